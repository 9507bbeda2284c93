import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { CATALOGUE } from '../../src/attack/catalogue.ts';
import { attackAll } from '../../src/cli/attack-all.ts';
import { attackList } from '../../src/cli/attack-list.ts';
import { attack } from '../../src/cli/attack.ts';
import { logVerify } from '../../src/cli/log-verify.ts';
import { attackLedger } from '../support/attack-ledger.ts';
import { captureIo } from '../support/cli-io.ts';
import { makeLedger, writeLedger } from '../support/make-ledger.ts';
import { SAMPLE_REQUESTS } from '../support/sample-ledger.ts';
import { tempDir } from '../support/temp-dir.ts';

const sealed = attackLedger({ epochs: 4, perEpoch: 20 });

/** A fresh ledger below a fresh folder. */
function onDisk(files = sealed.files): { readonly dataDir: string; readonly copies: string } & Disposable {
  const dir = tempDir();
  const [dataDir, copies] = [join(dir.path, 'data'), join(dir.path, 'copies')];
  mkdirSync(copies);
  writeLedger(files, dataDir);
  return { dataDir, copies, [Symbol.dispose]: () => dir[Symbol.dispose]() };
}

function contentOf(dataDir: string): Map<string, string> {
  const files = readdirSync(dataDir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(files.map(({ parentPath, name }) => [join(parentPath, name), readFileSync(join(parentPath, name), 'hex')]));
}

async function verify(...args: readonly string[]): Promise<number> {
  return logVerify.run(args, captureIo());
}

describe('attack NAME', () => {
  test('works on a copy, leaves the folder alone, and prints commands that show what the verifier says', async () => {
    using ledger = onDisk();
    const before = contentOf(ledger.dataDir);
    const io = captureIo();
    expect(await attack.run(['bit-flip', '--on', ledger.dataDir, '--copy-to', ledger.copies], io)).toBe(0);
    expect(contentOf(ledger.dataDir)).toEqual(before);
    const commands = io
      .out()
      .split('\n')
      .flatMap((line) => /pproofs log verify (.*)$/.exec(line)?.[1] ?? []);
    expect(commands).toHaveLength(3);
    for (const command of commands) expect(await verify(...command.replaceAll("'", '').split(' '))).toBe(31);
    expect(await verify('--data-dir', ledger.dataDir)).toBe(10);
  });

  test('says with --json what was done, where, and what must be found', async () => {
    using ledger = onDisk();
    const io = captureIo();
    await attack.run(['delete-middle', '--on', ledger.dataDir, '--copy-to', ledger.copies, '--at', '7', '--json'], io);
    const said = JSON.parse(io.out()) as Record<string, string>;
    expect(said).toMatchObject({
      attack: 'delete-middle',
      expected: { root: 'TAMPERED' },
      note: expect.stringMatching(/^removed leaf \d+$/),
    });
    expect(said.dataDir.startsWith(ledger.copies)).toBe(true);
    expect([existsSync(said.anchorFile), existsSync(said.rootKeyFile)]).toEqual([true, true]);
  });

  test.each([['--in-place'], ['--destroy-evidence']])('refuses %s alone and changes nothing', async (option) => {
    using ledger = onDisk();
    const before = contentOf(ledger.dataDir);
    await expect(attack.run(['bit-flip', '--on', ledger.dataDir, option], captureIo())).rejects.toThrow('go together');
    expect(contentOf(ledger.dataDir)).toEqual(before);
  });

  test('changes the folder itself when that was said twice', async () => {
    using ledger = onDisk();
    await attack.run(['bit-flip', '--on', ledger.dataDir, '--in-place', '--destroy-evidence'], captureIo());
    expect(await verify('--data-dir', ledger.dataDir)).toBe(31);
  });

  test('suggests the name that was meant, and lists every fault of the line at once', async () => {
    const run = attack.run(['bitflip', '--at', 'x'], captureIo());
    await expect(run).rejects.toThrow(/there is no attack "bitflip"; did you mean "bit-flip"\?.*--at is "x".*--on DIR is needed/);
  });

  test('says why an attack is not possible on this ledger', async () => {
    using ledger = onDisk(makeLedger({ requests: SAMPLE_REQUESTS }).files);
    const run = attack.run(['full-rewrite', '--on', ledger.dataDir, '--copy-to', ledger.copies], captureIo());
    await expect(run).rejects.toThrow('is one that this attack could use');
  });
});

test('attack list names every attack with its needs and verdicts', async () => {
  const io = captureIo();
  await attackList.run(['--json'], io);
  const listed = io
    .out()
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { name: string }).name);
  expect(listed).toEqual(CATALOGUE.map(({ name }) => name));
});

describe('attack all', () => {
  let rows: { attack: string; said: Record<string, string>; isAsExpected: boolean }[] = [];
  let code = -1;
  beforeAll(async () => {
    using ledger = onDisk();
    const io = captureIo();
    code = await attackAll.run(['--on', ledger.dataDir, '--json'], io);
    rows = io
      .out()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as (typeof rows)[number]);
  });

  test('runs the whole catalogue, and every verdict is the expected one', () => {
    expect(rows.map((row) => row.attack)).toEqual(CATALOGUE.map(({ name }) => name));
    expect(rows.filter(({ isAsExpected }) => !isAsExpected)).toEqual([]);
    expect(code).toBe(0);
  });

  test('says of each attack that it could not do what it would need', () => {
    const notDone = rows.filter(({ said }) => 'notDone' in said).map((row) => row.attack);
    const unmet = CATALOGUE.filter(({ needs }) =>
      needs.some((need) => ['older-copy', 'other-life', 'segments', 'three-segments', 'index', 'archive', 'sidecar'].includes(need)),
    );
    expect(notDone).toEqual(unmet.map(({ name }) => name));
  });

  test('does each to running sidecars with --live, and says how fast they noticed', { timeout: 120_000 }, async () => {
    using ledger = onDisk();
    const before = contentOf(ledger.dataDir);
    const live = async (only: string) => {
      const io = captureIo();
      const exitCode = await attackAll.run(['--on', ledger.dataDir, '--only', only, '--live', '--runs', '1', '--json'], io);
      const row = JSON.parse(io.out()) as { live: { text: string; runs: { latencyMs?: number }[] } };
      return { exitCode, text: row.live.text, latencies: row.live.runs.map(({ latencyMs }) => latencyMs) };
    };
    const flipped = await live('bit-flip');
    expect(flipped).toMatchObject({ exitCode: 0, latencies: [expect.any(Number)] });
    const changed = await live('benign-chmod');
    expect(changed).toMatchObject({ exitCode: 0, latencies: [undefined] });
    expect(contentOf(ledger.dataDir)).toEqual(before);
  });

  test('says which option was wrong', async () => {
    await expect(attackAll.run(['--on', 'x', '--runs', '0', '--only', 'no such'], captureIo())).rejects.toThrow(/--runs.*no such/s);
  });
});
