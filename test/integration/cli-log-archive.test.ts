import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { logArchive } from '../../src/cli/log-archive.ts';
import { parseCheckpoint } from '../../src/kernel/note.ts';
import { openLedger } from '../../src/ledger/open-ledger.ts';
import { captureIo } from '../support/cli-io.ts';
import { fillLedger } from '../support/fill-ledger.ts';
import { tempDir } from '../support/temp-dir.ts';

const SEGMENT = 65_536;
const made = tempDir();

beforeAll(async () => {
  const ledger = await openLedger({ dataDir: join(made.path, 'data') });
  await fillLedger(ledger, SEGMENT + 10);
  await ledger.close();
});

afterAll(() => made[Symbol.dispose]());

/** A copy of the ledger, the archive beside it, and the command with both. */
function withCopy() {
  const dir = tempDir();
  cpSync(made.path, dir.path, { recursive: true });
  const archive = join(dir.path, 'archive');
  const data = join(dir.path, 'data');
  const run = async (...more: string[]) => {
    const io = captureIo();
    const code = await logArchive.run(['--data-dir', data, '--archive', archive, ...more], io);
    return { code, out: io.out(), err: io.err() };
  };
  return { archive, data, run, [Symbol.dispose]: () => dir[Symbol.dispose]() };
}

describe('log archive', () => {
  it('archives what is full, once, and says so', async () => {
    using copy = withCopy();
    const first = await copy.run('--json');
    const report = JSON.parse(first.out) as { archive: string; from: number; size: number; objects: number; bytes: number };
    expect([first.code, report.from, report.size, report.objects]).toEqual([0, 0, SEGMENT, 516]);
    expect(parseCheckpoint(readFileSync(join(report.archive, 'checkpoint'), 'utf8')).size).toBe(SEGMENT);
    expect(existsSync(join(report.archive, 'tile/entries/255'))).toBe(true);
    const second = await copy.run();
    expect([second.code, second.out]).toEqual([0, `65,536 entries are archived in ${report.archive}: nothing was left to archive\n`]);
  });

  it('signs nothing for a ledger that is not what its checkpoint says', async () => {
    using copy = withCopy();
    const segment = join(copy.data, 'ledger/segments/00000000000000065536.seg');
    const bytes = readFileSync(segment);
    bytes[bytes.length - 200] ^= 1;
    writeFileSync(segment, bytes);
    await expect(copy.run()).rejects.toMatchObject({ code: 'tampered' });
    expect(existsSync(copy.archive) && existsSync(join(copy.archive, 'checkpoint'))).toBe(false);
  });

  it('uploads no changed entry', async () => {
    using copy = withCopy();
    const segment = join(copy.data, 'ledger/segments/00000000000000000000.seg');
    const bytes = readFileSync(segment);
    bytes[bytes.length - 200] ^= 1;
    writeFileSync(segment, bytes);
    await expect(copy.run()).rejects.toMatchObject({ code: 'io' });
  });

  it('keeps away from a ledger that a sidecar writes', async () => {
    using copy = withCopy();
    const ledger = await openLedger({ dataDir: copy.data });
    await expect(copy.run()).rejects.toMatchObject({ code: 'locked' });
    await ledger.close();
    expect((await copy.run()).code).toBe(0);
  });

  it('refuses another ledger in the place of this one, and another key', async () => {
    using copy = withCopy();
    using other = tempDir();
    await (await openLedger({ dataDir: other.path })).close();
    const key = join(copy.data, 'keys/log.key');
    const right = readFileSync(key);
    writeFileSync(key, readFileSync(join(other.path, 'keys/log.key')), { mode: 0o600 });
    await expect(copy.run()).rejects.toMatchObject({ code: 'key-mismatch' });
    writeFileSync(key, right);
    const { out } = await copy.run('--json');
    const { archive } = JSON.parse(out) as { archive: string };
    writeFileSync(join(archive, 'checkpoint'), readFileSync(join(other.path, 'ledger/checkpoint')));
    await expect(copy.run()).rejects.toMatchObject({ code: 'archive-conflict' });
  });

  it('needs to be told where to', async () => {
    using copy = withCopy();
    await expect(logArchive.run(['--data-dir', copy.data], captureIo())).rejects.toThrow('name the archive');
    await expect(logArchive.run(['--data-dir', copy.data, '--archive', 's3://bucket'], captureIo())).rejects.toThrow('PROOFS_S3_KEY_FILE');
  });
});
