import { readdirSync, readFileSync, statSync, writeFileSync, chmodSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ADD_CHECKPOINT_BYTES_MAX, formatAddCheckpoint } from '../../src/anchor/add-checkpoint.ts';
import { openWitnessKey, witnessFiles } from '../../src/anchor/witness-files.ts';
import { parseTrustedLogs, parseWitnesses } from '../../src/anchor/witness-lists.ts';
import { Witness, type Cosigning } from '../../src/anchor/witness.ts';
import { utf8 } from '../../src/kernel/bytes.ts';
import type { Json } from '../../src/kernel/canonical-json.ts';
import { cosignedAt, parseCosignerKey } from '../../src/kernel/cosignature.ts';
import { generateEd25519, verifyEd25519 } from '../../src/kernel/ed25519.ts';
import { verifyConsistency } from '../../src/kernel/merkle.ts';
import { nodeHashes } from '../../src/kernel/node-hashes.ts';
import { parseCheckpoint } from '../../src/kernel/note.ts';
import { testSeed } from '../support/seed.ts';
import { tempDir } from '../support/temp-dir.ts';
import { ToyLog } from '../support/toy-log.ts';

const NOW_MS = 1_700_000_000_500;
const key = generateEd25519();
const log = new ToyLog('example.org/log').grow(100);
const stranger = new ToyLog('example.org/other').grow(100);

interface Bench extends Disposable {
  readonly dir: string;
  readonly witness: Witness;
  readonly recorded: Json[];
  /** The same witness after a restart. */
  reopen(): Witness;
  setNow(ms: number): void;
}

function makeWitness(logs = log.verifierKey): Bench {
  const folder = tempDir();
  const recorded: Json[] = [];
  let nowMs = NOW_MS;
  const reopen = (): Witness =>
    new Witness({
      key,
      name: 'witness.example/w',
      logs: parseTrustedLogs(logs, 'the list'),
      files: witnessFiles(folder.path),
      record: (payload) => void recorded.push(payload),
      now: () => nowMs,
    });
  return {
    dir: folder.path,
    witness: reopen(),
    recorded,
    reopen,
    setNow: (ms) => void (nowMs = ms),
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  };
}

function ask(witness: Witness, of: ToyLog, oldSize: number, size: number, proof = of.proof(oldSize, size)): Promise<Cosigning> {
  return witness.addCheckpoint(utf8(formatAddCheckpoint(oldSize, proof, of.note(size))));
}

function isCosigned(witness: Witness, of: ToyLog, cosigning: Cosigning): boolean {
  if (cosigning.outcome !== 'cosigned') return false;
  const checkpoint = parseCheckpoint(of.note(cosigning.size) + cosigning.line);
  return cosignedAt(checkpoint, parseCosignerKey(nodeHashes, witness.verifierKey), verifyEd25519) === Math.floor(NOW_MS / 1000);
}

describe('a witness', () => {
  it('cosigns the first checkpoint of a log it knows, and each one that continues the last', async () => {
    using bench = makeWitness();
    let known = 0;
    for (const size of [1, 1, 7, 8, 64, 100]) {
      expect(isCosigned(bench.witness, log, await ask(bench.witness, log, known, size))).toBe(true);
      known = size;
    }
  });

  it('tells the size it knows to whoever begins elsewhere, and changes nothing', async () => {
    using bench = makeWitness();
    await ask(bench.witness, log, 0, 40);
    for (const [oldSize, size] of [
      [0, 50],
      [0, 40],
      [39, 50],
      [41, 50],
      [0, 10],
      [50, 100],
    ]) {
      const answer = await ask(bench.witness, log, oldSize, size);
      expect(answer).toEqual({ outcome: 'conflict', origin: log.origin, size: 40, isFork: false });
    }
    expect(isCosigned(bench.witness, log, await ask(bench.witness, log, 40, 50))).toBe(true);
  });

  it('never cosigns a smaller tree after a larger one, also not after a restart', async () => {
    using bench = makeWitness();
    await ask(bench.witness, log, 0, 40);
    const again = bench.reopen();
    expect(await ask(again, log, 0, 30)).toMatchObject({ outcome: 'conflict', size: 40 });
    expect(await ask(again, log, 30, 30)).toMatchObject({ outcome: 'conflict', size: 40 });
  });

  it('calls another tree of the same size a fork', async () => {
    using bench = makeWitness();
    await ask(bench.witness, log, 0, 40);
    expect(await ask(bench.witness, log.fork(20), 40, 40)).toEqual({ outcome: 'conflict', origin: log.origin, size: 40, isFork: true });
  });

  it('refuses a continuation of another history, and any proof that is not the right one', async () => {
    using bench = makeWitness();
    await ask(bench.witness, log, 0, 40);
    const proof = log.proof(40, 90);
    const wrong: readonly (readonly [ToyLog, readonly Uint8Array[]])[] = [
      [log.fork(20), log.fork(20).proof(40, 90)],
      [log.fork(39), proof],
      [log, proof.slice(1)],
      [log, [...proof, proof[0]]],
      [log, proof.toReversed()],
      [log, []],
    ];
    for (const [of, hashes] of wrong)
      await expect(ask(bench.witness, of, 40, 90, [...hashes])).rejects.toMatchObject({ code: 'bad-proof' });
    await expect(ask(bench.witness, log, 40, 40, [proof[0]])).rejects.toMatchObject({ code: 'bad-proof' });
    expect(isCosigned(bench.witness, log, await ask(bench.witness, log, 40, 90))).toBe(true);
  });

  it('refuses a proof for a first checkpoint, which needs none', async () => {
    using bench = makeWitness();
    await expect(ask(bench.witness, log, 0, 5, log.proof(4, 5))).rejects.toMatchObject({ code: 'bad-proof' });
  });

  it('does not know logs it was not told of, nor their keys', async () => {
    using bench = makeWitness();
    await expect(ask(bench.witness, stranger, 0, 5)).rejects.toMatchObject({ code: 'not-found' });
    const impostor = new ToyLog(log.origin).grow(5);
    await expect(ask(bench.witness, impostor, 0, 5)).rejects.toMatchObject({ code: 'bad-signature' });
    expect(readdirSync(bench.dir)).toEqual([]);
  });

  it('takes a log that changes its key when it was told of both', async () => {
    const renewed = new ToyLog(log.origin).grow(100);
    using bench = makeWitness(`${log.verifierKey} # until spring\n${renewed.verifierKey}\n`);
    expect(isCosigned(bench.witness, log, await ask(bench.witness, log, 0, 5))).toBe(true);
    expect(isCosigned(bench.witness, renewed, await ask(bench.witness, renewed, 5, 9))).toBe(true);
  });

  it('keeps logs apart', async () => {
    using bench = makeWitness(`${log.verifierKey}\n${stranger.verifierKey}\n`);
    await ask(bench.witness, log, 0, 40);
    expect(isCosigned(bench.witness, stranger, await ask(bench.witness, stranger, 0, 10))).toBe(true);
    expect(readdirSync(join(bench.dir, 'witness'))).toHaveLength(2);
  });

  it('has made its record before the cosignature leaves', async () => {
    using bench = makeWitness();
    for (const [oldSize, size] of [
      [0, 3],
      [3, 9],
    ]) {
      await ask(bench.witness, log, oldSize, size);
      const [name] = readdirSync(join(bench.dir, 'witness'));
      expect(
        readFileSync(join(bench.dir, 'witness', name), 'utf8')
          .split('\n')
          .slice(0, 2),
      ).toEqual([log.origin, String(size)]);
    }
  });

  it('cosigns nothing more of a log whose record was damaged', async () => {
    using bench = makeWitness();
    await ask(bench.witness, log, 0, 40);
    const [name] = readdirSync(join(bench.dir, 'witness'));
    for (const damage of ['', 'junk', 'example.org/other\n1\nAAAA\n', log.note(40)]) {
      writeFileSync(join(bench.dir, 'witness', name), damage);
      await expect(ask(bench.reopen(), log, 40, 50)).rejects.toMatchObject({ code: 'io' });
    }
  });

  it('records what it cosigned in a leaf, one a minute for each log', async () => {
    using bench = makeWitness();
    await ask(bench.witness, log, 0, 3);
    await ask(bench.witness, log, 3, 4);
    await ask(bench.witness, log, 4, 4);
    bench.setNow(NOW_MS + 60_000);
    await ask(bench.witness, log, 4, 9);
    expect(bench.recorded).toEqual(
      [3, 9].map((size) => ({
        key: log.verifierKey,
        origin: log.origin,
        root: Buffer.from(log.root(size)).toString('base64'),
        size,
      })),
    );
  });

  it('cosigns only checkpoints that are consistent with each other, whatever is asked in whatever order', async () => {
    const forks = [log, log.fork(10), log.fork(30)];
    const request = fc.record({ fork: fc.nat(2), oldSize: fc.nat(60), growth: fc.nat(40), isHonest: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(request, { minLength: 1, maxLength: 25 }), async (requests) => {
        using bench = makeWitness();
        let known = 0;
        const cosigned: { of: ToyLog; size: number }[] = [];
        const answers = requests.map(async ({ fork, oldSize, growth, isHonest }) => {
          const from = isHonest ? known : oldSize;
          const size = Math.min(100, from + growth);
          const answer = await ask(bench.witness, forks[fork], from, size).catch(() => undefined);
          if (answer?.outcome !== 'cosigned') return;
          known = Math.max(known, size);
          cosigned.push({ of: forks[fork], size });
        });
        await Promise.all(answers);
        const inOrder = cosigned.toSorted((a, b) => a.size - b.size);
        for (const [i, { of, size }] of inOrder.slice(1).entries()) {
          const before = inOrder[i];
          const proof = of.proof(before.size, size);
          expect(verifyConsistency(nodeHashes, before.size, size, before.of.root(before.size), of.root(size), proof)).toBe(true);
        }
      }),
      { seed: testSeed(), numRuns: 40 },
    );
  });

  it('turns away more requests of one log than it can hold', async () => {
    using bench = makeWitness();
    const asked = await Promise.allSettled(Array.from({ length: 100 }, () => ask(bench.witness, log, 0, 1)));
    const busy = asked.filter((answer) => answer.status === 'rejected' && (answer.reason as { code?: string }).code === 'busy');
    expect(busy.length).toBeGreaterThan(0);
    expect(asked.filter(({ status }) => status === 'fulfilled').length + busy.length).toBe(100);
  });
});

describe('a hostile add-checkpoint request', () => {
  const note = log.note(5);
  const signature = note.split('\n')[4];
  const junk = `— ${log.origin} ${Buffer.alloc(68, 7).toString('base64')}`;
  const collision = `— ${log.origin} ${Buffer.concat([Buffer.from(signature.split(' ')[2], 'base64').subarray(0, 4), Buffer.alloc(64)]).toString('base64')}`;
  it.each([
    ['empty', '', 'invalid-request'],
    ['without a note', 'old 0\n\n', 'invalid-request'],
    ['without an old size', `\n${note}`, 'invalid-request'],
    ['with a leading zero', `old 00\n\n${note}`, 'invalid-request'],
    ['with a negative size', `old -1\n\n${note}`, 'invalid-request'],
    ['with an old size beyond its own', `old 6\n\n${note}`, 'invalid-request'],
    ['with an old size beyond 2^53', `old 9007199254740993\n\n${note}`, 'invalid-request'],
    ['with CRLF', `old 0\n\n${note}`.replaceAll('\n', '\r\n'), 'invalid-request'],
    ['with 64 proof lines', `old 0\n${`${Buffer.alloc(32).toString('base64')}\n`.repeat(64)}\n${note}`, 'invalid-request'],
    ['with a proof line of another length', `old 0\nAAAA\n\n${note}`, 'invalid-request'],
    ['with base64 that has a second spelling', `old 0\n${'A'.repeat(42)}B=\n\n${note}`, 'invalid-request'],
    ['whose size has a leading zero', `old 0\n\n${note.replace('\n5\n', '\n05\n')}`, 'invalid-request'],
    ['with an extension line', `old 0\n\n${note.replace('\n\n', '\nextension\n\n')}`, 'invalid-request'],
    ['with the origin said twice', `old 0\n\n${log.origin}\n${note}`, 'invalid-request'],
    ['without its last newline', `old 0\n\n${note.slice(0, -1)}`, 'invalid-request'],
    ['with 17 signatures', `old 0\n\n${note}${`${junk}\n`.repeat(16)}`, 'invalid-request'],
    ['with 10^6 signatures', `old 0\n\n${note}${`${junk}\n`.repeat(1_000_000)}`, 'invalid-request'],
    ['with its signature twice', `old 0\n\n${note}${signature}\n`, 'bad-signature'],
    ['with a second signature under its key id', `old 0\n\n${note}${collision}\n`, 'bad-signature'],
    ['with nothing but a signature under its key id', `old 0\n\n${note.replace(signature, collision)}`, 'bad-signature'],
    ['signed for another size', `old 0\n\n${note.replace('\n5\n', '\n6\n')}`, 'bad-signature'],
    ['of an origin with the name of another', `old 0\n\n${note.replace(`${log.origin}\n`, `${stranger.origin}\n`)}`, 'not-found'],
  ])('%s is refused at once', async (_name, body, code) => {
    using bench = makeWitness();
    const bytes = utf8(body);
    const started = performance.now();
    await expect(bench.witness.addCheckpoint(bytes)).rejects.toMatchObject({ code });
    expect(performance.now() - started).toBeLessThan(1000);
    expect(readdirSync(bench.dir)).toEqual([]);
  });

  it('that is no UTF-8, or longer than its bound, is refused', async () => {
    using bench = makeWitness();
    const bytes = [Uint8Array.of(0xff, 0xfe), new Uint8Array(ADD_CHECKPOINT_BYTES_MAX + 1).fill(0x20)];
    for (const body of bytes) await expect(bench.witness.addCheckpoint(body)).rejects.toMatchObject({ code: 'invalid-request' });
  });
});

describe('the key of a witness', () => {
  it('is made on first use, for its owner alone, and found again', async () => {
    using dir = tempDir();
    const made = await openWitnessKey(join(dir.path, 'keys'));
    const found = await openWitnessKey(join(dir.path, 'keys'));
    expect(found.export({ type: 'pkcs8', format: 'pem' })).toBe(made.export({ type: 'pkcs8', format: 'pem' }));
    expect(statSync(join(dir.path, 'keys/witness.key')).mode & 0o777).toBe(0o600);
  });

  it('is refused when others can read it, or when it is none', async () => {
    using dir = tempDir();
    await openWitnessKey(dir.path);
    chmodSync(join(dir.path, 'witness.key'), 0o640);
    await expect(openWitnessKey(dir.path)).rejects.toMatchObject({ code: 'bad-key' });
    writeFileSync(join(dir.path, 'witness.key'), 'no key');
    chmodSync(join(dir.path, 'witness.key'), 0o600);
    await expect(openWitnessKey(dir.path)).rejects.toMatchObject({ code: 'bad-key' });
  });
});

describe('the lists of logs and witnesses', () => {
  const cosigner = `w+${'0'.repeat(8)}+x`;

  it('name every wrong line at once', () => {
    const faults = (): unknown => parseTrustedLogs(`# ours\n\n${log.verifierKey}\nnonsense\n${cosigner}\n`, 'logs.txt');
    expect(faults).toThrow('logs.txt, line 4: ');
    expect(faults).toThrow('logs.txt, line 5: ');
  });

  it('hold no more than they can be used for', () => {
    expect(() => parseTrustedLogs(`${log.verifierKey}\n`.repeat(1001), 'logs.txt')).toThrow('more than 1000 entries');
  });

  it('take a witness with its address and its own kind of key only', () => {
    using bench = makeWitness();
    const line = `https://peer.example:8443/proofs/ ${bench.witness.verifierKey}`;
    expect(parseWitnesses(`${line} # next door\n`, 'w')).toMatchObject([
      { url: 'https://peer.example:8443/proofs', key: { name: 'witness.example/w' } },
    ]);
    for (const wrong of [
      `https://peer.example ${log.verifierKey}`,
      `ftp://peer.example ${bench.witness.verifierKey}`,
      'https://peer.example',
      `${line}\n${line}`,
    ])
      expect(() => parseWitnesses(wrong, 'w'), wrong).toThrow(/^w, line [12]: /);
  });
});
