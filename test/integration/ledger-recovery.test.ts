import { appendFileSync, cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fromUtf8 } from '../../src/kernel/bytes.ts';
import { LEAF_TYPES, type Leaf } from '../../src/kernel/leaf.ts';
import { checkpointNote } from '../../src/ledger/checkpoint.ts';
import { freshWatermark } from '../../src/ledger/create-ledger.ts';
import { firstEpochState } from '../../src/ledger/epoch-state.ts';
import { parseGenesis } from '../../src/ledger/genesis.ts';
import { createKeys, loadKeys } from '../../src/ledger/keys.ts';
import { LedgerState } from '../../src/ledger/ledger-state.ts';
import { openLedger, type OpenedLedger } from '../../src/ledger/open-ledger.ts';
import { openLedgerReader } from '../../src/ledger/open-reader.ts';
import { ledgerPaths } from '../../src/ledger/paths.ts';
import { scanSegments } from '../../src/ledger/scan.ts';
import { parseFrames } from '../../src/ledger/read-block.ts';
import { slotOffset } from '../../src/ledger/watermark.ts';
import { batchOf } from '../support/batch-of.ts';
import { tempDir } from '../support/temp-dir.ts';

const SEGMENT = '00000000000000000000.seg';
/** No epoch ends by itself while a test looks. */
const NO_SEALS = { sealAfterMs: 1e12 };

let dir: ReturnType<typeof tempDir>;
let file: (...names: string[]) => string;
let ledger: OpenedLedger | undefined;

beforeEach(() => {
  dir = tempDir();
  file = (...names) => join(dir.path, 'ledger', ...names);
});

afterEach(async () => {
  await ledger?.close();
  ledger = undefined;
  dir[Symbol.dispose]();
});

async function open(anchorNote?: string): Promise<OpenedLedger> {
  ledger = await openLedger({ dataDir: dir.path, anchorNote, ...NO_SEALS });
  return ledger;
}

async function allLeaves(from: OpenedLedger): Promise<Leaf[]> {
  const leaves: Leaf[] = [];
  for await (const leaf of from.leaves(0, Number.MAX_SAFE_INTEGER)) leaves.push(leaf);
  return leaves;
}

const recoveryPayloads = (leaves: readonly Leaf[]): Record<string, unknown>[] =>
  leaves.filter((leaf) => leaf.type === LEAF_TYPES.recovery).map((leaf) => JSON.parse(fromUtf8(leaf.payload)) as Record<string, unknown>);

/** A closed ledger with `requests` requests of three events, and the final seal. */
async function makeLedger(requests = 4): Promise<{ checkpoint: string; segmentBytes: number; size: number }> {
  const opened = await openLedger({ dataDir: dir.path, ...NO_SEALS });
  for (let i = 0; i < requests; i++)
    await opened.append({ events: batchOf([{ message: `a${i}` }, { message: `b${i}` }, { message: `c${i}` }]) });
  await opened.close();
  const { size, checkpoint } = openLedgerReader(dir.path).head();
  return { checkpoint, size, segmentBytes: statSync(file('segments', SEGMENT)).size };
}

/** Does something and is killed: the ledger is left as it stands then, without a final seal. */
async function thenKilled(work: (opened: OpenedLedger) => Promise<unknown>): Promise<void> {
  using copy = tempDir();
  const opened = await openLedger({ dataDir: dir.path, ...NO_SEALS });
  await work(opened);
  cpSync(dir.path, copy.path, { recursive: true });
  await opened.close();
  rmSync(dir.path, { recursive: true });
  cpSync(copy.path, dir.path, { recursive: true });
}

/** Swaps 100 and 000 in the one entry that holds the text. */
function change(text: string): void {
  const name = readdirSync(file('segments')).at(-1) ?? SEGMENT;
  const bytes = readFileSync(file('segments', name));
  bytes[bytes.indexOf(text) + text.length - 3] ^= 1;
  writeFileSync(file('segments', name), bytes);
}

/** Writes requests behind the watermark's back: what a kill between write and watermark leaves. */
async function withStaleWatermark(append: (opened: OpenedLedger) => Promise<unknown>): Promise<void> {
  let watermark = Buffer.alloc(0);
  await thenKilled(async (opened) => {
    watermark = readFileSync(file('watermark'));
    await append(opened);
  });
  writeFileSync(file('watermark'), watermark);
}

describe('the normal start', () => {
  it('finds the same tree after a clean stop and repairs nothing', async () => {
    const { checkpoint } = await makeLedger();
    const opened = await open();
    expect(opened.head().checkpoint).toBe(checkpoint);
    expect(opened.stats().recoveries).toBe(0);
  });

  it('makes keys and secrets that nobody else can read', async () => {
    await makeLedger(1);
    expect(readdirSync(join(dir.path, 'keys'))).toEqual(['epoch.key', 'log.key', 'verification.key']);
    for (const name of readdirSync(join(dir.path, 'keys'))) expect(statSync(join(dir.path, 'keys', name)).mode & 0o777).toBe(0o600);
  });

  it('refuses a second writer while the first lives and lets it in afterwards', async () => {
    const first = await open();
    await expect(openLedger({ dataDir: dir.path })).rejects.toMatchObject({ code: 'locked' });
    await first.close();
    expect((await open()).head().size).toBe(2);
  });

  it('counts the running minute on across a restart', async () => {
    await makeLedger(2);
    const opened = await open();
    await opened.append({ events: batchOf([{ message: 'later', level: 'error', tenant: 't' }]) });
    const types = (await allLeaves(opened)).map((leaf) => leaf.type);
    expect(types.filter((type) => type === LEAF_TYPES.event)).toHaveLength(7);
  });
});

describe('bytes beyond the watermark', () => {
  it('keeps requests that are complete', async () => {
    await makeLedger(1);
    await withStaleWatermark((opened) => opened.append({ events: batchOf([{ message: 'x' }, { message: 'y' }]) }));
    const opened = await open();
    expect(opened.head().size).toBe(7);
    expect(opened.stats().recoveries).toBe(0);
  });

  it('cuts a request that is half there, keeps a copy and says so', async () => {
    await makeLedger(1);
    await withStaleWatermark((opened) => opened.append({ events: batchOf([{ message: 'x' }, { message: 'y' }, { message: 'z' }]) }));
    rmSync(file('checkpoint'));
    const whole = readFileSync(file('segments', SEGMENT));
    const leaves = parseFrames(whole);
    const keep = leaves.slice(0, 5).reduce((bytes, leaf) => bytes + leaf.bytes.length + 2, 0);
    truncateSync(file('segments', SEGMENT), whole.length - 1);
    const opened = await open();
    const after = await waitForRecords(opened, 2);
    expect(after.slice(0, 5).map((leaf) => Buffer.from(leaf.bytes))).toEqual(leaves.slice(0, 5).map((leaf) => Buffer.from(leaf.bytes)));
    const cut = recoveryPayloads(after).find((payload) => payload.action === 'cut');
    expect(cut).toMatchObject({ file: SEGMENT, bytes: whole.length - 1 - keep, firstSeq: 5 });
    expect(readFileSync(file('quarantine', `${String(cut?.sha256)}.bin`))).toEqual(whole.subarray(keep, -1));
  });

  it.each([
    ['zeros', Buffer.alloc(5000)],
    ['noise', Buffer.from('c0ffee'.repeat(99), 'hex')],
    ['one byte', Buffer.of(1)],
  ])('cuts %s at the end', async (_name, garbage) => {
    const { size } = await makeLedger(1);
    appendFileSync(file('segments', SEGMENT), garbage);
    const opened = await open();
    const leaves = await waitForRecords(opened, 1);
    expect(recoveryPayloads(leaves)).toMatchObject([{ action: 'cut', bytes: garbage.length, firstSeq: size }]);
    await opened.close();
    expect((await open()).stats().recoveries).toBe(0);
  });

  it('removes an empty segment that a crash left', async () => {
    const { size } = await makeLedger(1);
    writeFileSync(file('segments', `${String(size).padStart(20, '0')}.seg`), '');
    const opened = await open();
    expect(opened.head().size).toBe(size);
    expect(readdirSync(file('segments'))).toEqual([SEGMENT]);
  });

  it('records a copy that an interrupted recovery left without a record', async () => {
    await makeLedger(1);
    const sha256 = 'ab'.repeat(32);
    writeFileSync(file('quarantine', `${sha256}.bin`), 'left over');
    const leaves = await waitForRecords(await open(), 1);
    expect(recoveryPayloads(leaves)).toMatchObject([{ action: 'cut', sha256, bytes: 9, reason: 'left by an interrupted recovery' }]);
  });
});

describe('damage below the watermark', () => {
  it('refuses to start on a changed byte of the running epoch and names segment, entry and byte', async () => {
    await makeLedger();
    await thenKilled((opened) => opened.append({ events: batchOf([{ message: 'unsealed' }]) }));
    const bytes = readFileSync(file('segments', SEGMENT));
    const last = parseFrames(bytes).at(-1);
    bytes[bytes.length - 40] ^= 1;
    writeFileSync(file('segments', SEGMENT), bytes);
    await expect(open()).rejects.toMatchObject({
      code: 'tampered',
      message: expect.stringContaining(`${SEGMENT}, entry ${last?.seq}, byte `) as string,
    });
    expect(readFileSync(file('segments', SEGMENT))).toEqual(bytes);
  });

  it('refuses to start on a changed byte of a sealed epoch, whose key is gone, by the root that was signed', async () => {
    const { size } = await makeLedger();
    const bytes = readFileSync(file('segments', SEGMENT));
    const at = bytes.indexOf('"a2"');
    bytes[at + 1] ^= 1;
    writeFileSync(file('segments', SEGMENT), bytes);
    await expect(open()).rejects.toMatchObject({
      code: 'tampered',
      message: `the first ${size} entries do not have the root that was signed for them; pproofs log verify with the verification key names the place`,
    });
  });

  it.each([
    ['one segment', 0],
    ['several segments', 7],
  ])('refuses a changed byte of a sealed epoch in %s although `checkpoint` is away or an older one', async (_name, batches) => {
    const { checkpoint: older } = await makeLedger(1);
    const opened = await open();
    for (let i = 0; i < batches; i++)
      await opened.append({ events: batchOf(Array.from({ length: 10_000 }, (_, j) => ({ message: `${i} ${j}` }))) });
    await opened.append({ events: batchOf([{ message: 'paid 100' }]) });
    await opened.close();
    change('paid 100');
    rmSync(file('checkpoint'));
    for (let twice = 0; twice < 2; twice++) {
      await expect(open()).rejects.toMatchObject({ code: 'tampered', message: expect.stringContaining('was acknowledged') as string });
      writeFileSync(file('checkpoint'), older);
    }
    change('paid 000');
    expect((await open()).head().size).toBeGreaterThan(batches * 10_000);
  });

  it('refuses to start on a shortened ledger, at a frame or inside one, and touches nothing', async () => {
    const { segmentBytes } = await makeLedger();
    const last = parseFrames(readFileSync(file('segments', SEGMENT))).at(-1);
    for (const cut of [1, (last?.bytes.length ?? 0) + 2]) {
      truncateSync(file('segments', SEGMENT), segmentBytes - cut);
      await expect(open()).rejects.toMatchObject({ code: 'truncated' });
      expect(statSync(file('segments', SEGMENT)).size).toBe(segmentBytes - cut);
    }
  });

  it('refuses to start without its keys, on other keys, and without its first segment', async () => {
    await makeLedger();
    rmSync(join(dir.path, 'keys'), { recursive: true });
    await expect(open()).rejects.toMatchObject({ code: 'bad-key' });
    createKeys(dir.path);
    await expect(open()).rejects.toMatchObject({ code: 'key-mismatch' });
    rmSync(file('segments', SEGMENT));
    await expect(open()).rejects.toMatchObject({ code: 'truncated' });
  });

  it('refuses keys that others can read', async () => {
    await makeLedger(1);
    const { chmodSync } = await import('node:fs');
    chmodSync(join(dir.path, 'keys', 'epoch.key'), 0o644);
    await expect(open()).rejects.toMatchObject({ code: 'bad-key', message: expect.stringContaining('chmod 600') as string });
  });
});

describe('watermark and checkpoint', () => {
  it('goes on with one damaged slot, records it and writes both afresh', async () => {
    await makeLedger();
    const bytes = readFileSync(file('watermark'));
    bytes[slotOffset(1) + 50] ^= 1;
    writeFileSync(file('watermark'), bytes);
    const leaves = await waitForRecords(await open(), 1);
    expect(recoveryPayloads(leaves)).toMatchObject([{ action: 'replaced', file: 'watermark', reason: 'slot 1 was damaged' }]);
    await ledger?.close();
    expect((await open()).stats().recoveries).toBe(0);
  });

  it('records what it replaced even if the start that replaced it was killed before its record was written', async () => {
    await makeLedger();
    const bytes = readFileSync(file('watermark'));
    bytes[slotOffset(1) + 50] ^= 1;
    writeFileSync(file('watermark'), bytes);
    const segment = readFileSync(file('segments', SEGMENT));
    const epochKey = readFileSync(join(dir.path, 'keys', 'epoch.key'));
    await (await open()).close();
    // Without the leaves of that start, as if it had died before writing them; its fresh watermark and checkpoint speak of no more.
    const { size } = parseFrames(segment).reduce((_, leaf) => ({ size: leaf.seq + 1 }), { size: 0 });
    const paths = ledgerPaths(dir.path);
    writeFileSync(join(dir.path, 'keys', 'epoch.key'), epochKey);
    writeFileSync(file('segments', SEGMENT), segment);
    const keys = loadKeys(paths);
    rmSync(file('checkpoint'));
    const identity = parseGenesis(parseFrames(segment)[0]);
    const state = new LedgerState(identity, firstEpochState(keys.epoch, true));
    const nothing = (): undefined => undefined;
    const hooks = { indexOf: nothing, adopted: nothing, begin: nothing, leaf: nothing, filled: nothing };
    scanSegments(paths, state, { identity, loaded: keys.epoch, rotated: undefined }, size, hooks);
    const note = checkpointNote(identity, keys.signingKey, state.epochs.keys.signer(identity), size, state.frontier.root());
    writeFileSync(file('watermark'), freshWatermark(100, state, note));
    const payloads = recoveryPayloads(await waitForRecords(await open(), 2));
    expect(payloads).toContainEqual(expect.objectContaining({ reason: 'left by an interrupted recovery', bytes: 8192 }));
  });

  it('refuses to start without a readable slot until an anchor of this ledger is given', async () => {
    const { checkpoint, size } = await makeLedger();
    writeFileSync(file('watermark'), Buffer.alloc(8192));
    await expect(open()).rejects.toMatchObject({ code: 'state-lost' });
    await expect(open(checkpoint.replace(/\n\d+\n/, '\n3\n'))).rejects.toMatchObject({ code: 'bad-anchor' });
    const opened = await open(checkpoint);
    expect(opened.head().size).toBeGreaterThanOrEqual(size);
  });

  it('refuses an anchor that leaves entries unchecked whose epoch key is gone, as no checkpoint covers them either', async () => {
    const { checkpoint: older, size } = await makeLedger(1);
    const opened = await open();
    await opened.append({ events: batchOf([{ message: 'paid 100' }]) });
    await opened.close();
    const newest = readFileSync(file('checkpoint'), 'utf8');
    writeFileSync(file('watermark'), Buffer.alloc(8192));
    change('paid 100');
    await expect(open(older)).rejects.toMatchObject({ code: 'tampered' });
    writeFileSync(file('checkpoint'), older);
    await expect(open(older)).rejects.toMatchObject({
      code: 'state-lost',
      message: expect.stringContaining(`entries ${size} to ${size + 1}`) as string,
    });
    await expect(open(newest)).rejects.toMatchObject({ code: 'tampered' });
    change('paid 000');
    await expect(open(older)).rejects.toMatchObject({ code: 'state-lost' });
    writeFileSync(file('checkpoint'), newest);
    expect((await open(older)).head().size).toBe(size + 2);
  });

  it('takes an older anchor where all above it has a MAC that can be checked', async () => {
    const { checkpoint: older } = await makeLedger(1);
    await thenKilled((opened) => opened.append({ events: batchOf([{ message: 'unsealed' }]) }));
    writeFileSync(file('watermark'), Buffer.alloc(8192));
    rmSync(file('checkpoint'));
    expect((await open(older)).head().size).toBeGreaterThan(5);
  });

  it('replaces a checkpoint that is missing or garbage, and records it', async () => {
    await makeLedger();
    for (const [content, reason] of [
      [undefined, 'missing'],
      ['', 'not a checkpoint signed by this ledger'],
      ['garbage\n', 'not a checkpoint signed by this ledger'],
    ] as const) {
      if (content === undefined) rmSync(file('checkpoint'));
      else writeFileSync(file('checkpoint'), content);
      const opened = await open();
      const leaves = await waitForRecords(opened, 1);
      expect(recoveryPayloads(leaves).at(-1)).toMatchObject({ action: 'replaced', file: 'checkpoint', reason });
      await opened.close();
    }
  });

  it('refuses a ledger that ends below a checkpoint its own key signed', async () => {
    await makeLedger(1);
    const saved = ['segments/' + SEGMENT, 'watermark'].map((name) => [name, readFileSync(file(name))] as const);
    const opened = await open();
    await opened.append({ events: batchOf([{ message: 'gone' }]) });
    await opened.close();
    for (const [name, bytes] of saved) writeFileSync(file(name), bytes);
    await expect(open()).rejects.toMatchObject({ code: 'truncated' });
  });
});

describe('retries by key', () => {
  const tag = (key: number, body: number): Uint8Array => Buffer.concat([Buffer.alloc(32, key), Buffer.alloc(32, body)]);

  it('lands once: at the same time, later, and after a restart', async () => {
    const first = await open();
    const request = () => ({ events: batchOf([{ message: 'once' }, { message: 'twice' }]), requestTag: tag(1, 1) });
    const answers = await Promise.all([first.append(request()), first.append(request())]);
    expect(answers.map((answer) => [answer.first, answer.last, answer.isReplay])).toEqual([
      [1, 2, false],
      [1, 2, true],
    ]);
    await first.close();
    const second = await open();
    expect(await second.append(request())).toMatchObject({ first: 1, last: 2, isReplay: true, isAnchored: true });
    await expect(second.append({ ...request(), requestTag: tag(1, 2) })).rejects.toMatchObject({ code: 'key-reused' });
    expect(await second.append({ ...request(), requestTag: tag(2, 1) })).toMatchObject({ isReplay: false });
  });

  it('forgets a request that was cut off as half written, so that its retry lands', async () => {
    await makeLedger(1);
    await withStaleWatermark((opened) => opened.append({ events: batchOf([{ message: 'x' }, { message: 'y' }]), requestTag: tag(9, 9) }));
    rmSync(file('checkpoint'));
    truncateSync(file('segments', SEGMENT), statSync(file('segments', SEGMENT)).size - 10);
    const opened = await open();
    expect(await opened.append({ events: batchOf([{ message: 'x' }, { message: 'y' }]), requestTag: tag(9, 9) })).toMatchObject({
      isReplay: false,
    });
    expect(existsSync(file('quarantine'))).toBe(true);
  });
});

/** Recovery records are appended in the background of the start: waits for them by appending behind them. */
async function waitForRecords(opened: OpenedLedger, records: number): Promise<Leaf[]> {
  await opened.append({ events: batchOf([{ message: 'behind the records' }]) });
  const leaves = await allLeaves(opened);
  expect(recoveryPayloads(leaves).length).toBeGreaterThanOrEqual(records);
  return leaves;
}
