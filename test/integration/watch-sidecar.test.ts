import {
  appendFileSync,
  chmodSync,
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LEAF_TYPES } from '../../src/kernel/leaf.ts';
import { launchSidecar, startSidecar, type Sidecar } from '../support/sidecar.ts';
import { smallDisk } from '../support/small-disk.ts';
import { storedLeaves } from '../support/stored-leaves.ts';
import { tempDir } from '../support/temp-dir.ts';

/** Found within this or not at all: many looks, so that a busy machine does not decide the test. */
const FIND = { timeout: 10_000, interval: 20 };

let dir: ReturnType<typeof tempDir>;
let dataDir: string;
let sidecar: Sidecar;

beforeEach(async () => {
  dir = tempDir();
  dataDir = join(dir.path, 'data');
  sidecar = await startSidecar({ dataDir, env: { PROOFS_LOG_LEVEL: 'info' } });
  await post(20);
});
afterEach(async () => {
  await sidecar[Symbol.asyncDispose]();
  dir[Symbol.dispose]();
});

async function post(events: number): Promise<number> {
  const body = Array.from({ length: events }, (_, i) => JSON.stringify({ message: `event ${i}` })).join('\n');
  return (await fetch(`${sidecar.url}/events`, { method: 'POST', headers: { 'content-type': 'application/x-ndjson' }, body })).status;
}

async function gauge(name: string): Promise<number> {
  const text = await (await fetch(`${sidecar.url}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
}

interface Watch {
  readonly state: string;
  readonly isTampered: boolean;
  readonly detections: number;
  readonly findings: readonly {
    kind: string;
    file: string;
    bytes: { first: number; last: number } | null;
    seqs: { first: number } | null;
  }[];
  readonly earlierTampers: readonly number[];
}

async function watchStatus(): Promise<Watch> {
  return ((await (await fetch(`${sidecar.url}/ledger/status`)).json()) as { watch: Watch }).watch;
}

const path = (name: string): string => join(dataDir, name);
const segment = (): string => path(`ledger/segments/${readdirSync(path('ledger/segments')).at(-1)}`);

function overwrite(file: string, at: number, bytes: string): void {
  const fd = openSync(file, 'r+');
  writeSync(fd, bytes, at);
  closeSync(fd);
}

describe('a change of the running ledger by somebody else', () => {
  it.each([
    ['a byte of an entry', () => overwrite(segment(), 1500, 'X'), 'content', 'ledger/segments/00000000000000000000.seg'],
    ['the end cut off', () => truncateSync(segment(), 1000), 'truncated', 'ledger/segments/00000000000000000000.seg'],
    ['an entry appended', () => appendFileSync(segment(), Buffer.alloc(100, 1)), 'extended', 'ledger/segments/00000000000000000000.seg'],
    ['the watermark', () => overwrite(path('ledger/watermark'), 30, 'X'), 'content', 'ledger/watermark'],
    ['the checkpoint removed', () => unlinkSync(path('ledger/checkpoint')), 'missing', 'ledger/checkpoint'],
    ['the verifier key', () => appendFileSync(path('ledger/log.vkey'), 'x'), 'extended', 'ledger/log.vkey'],
    ['the log key', () => overwrite(path('keys/log.key'), 40, 'X'), 'content', 'keys/log.key'],
    ['the epoch key', () => overwrite(path('keys/epoch.key'), 40, 'X'), 'content', 'keys/epoch.key'],
    [
      'a new segment',
      () => appendFileSync(path('ledger/segments/00000000000000000099.seg'), 'x'),
      'foreign-file',
      'ledger/segments/00000000000000000099.seg',
    ],
    ['the canary removed', () => unlinkSync(path('.watch-canary')), 'watch-dead', '.watch-canary'],
  ])('is on /metrics, /readyz, /ledger/status, in the log and in the ledger: %s', async (_, attack, kind, file) => {
    // The last epoch is sealed by then: nothing more is written by itself that would put a file right.
    await sleep(1500);
    expect(await gauge('proofs_ledger_tampered')).toBe(0);
    const entries = await gauge('proofs_ledger_size');
    attack();
    await expect.poll(() => gauge('proofs_ledger_tampered'), FIND).toBe(1);
    expect(await gauge(`proofs_ledger_tamper_detections_total\\{kind="${kind}"\\}`)).toBeGreaterThanOrEqual(1);
    const ready = (await (await fetch(`${sidecar.url}/readyz`)).json()) as { status: string; reasons: string[] };
    expect(ready.status).toBe('degraded');
    expect(ready.reasons.join()).toContain(`${kind} in ${file}`);
    const status = await watchStatus();
    expect(status.findings[0]).toMatchObject({ kind, file });
    expect(sidecar.stderr()).toMatch(new RegExp(`"alert":"ledger-tampered","kind":"${kind}","file":"${file}"`));
    await expect.poll(() => gauge('proofs_ledger_size'), FIND).toBeGreaterThan(entries);
  });

  it('leaves its evidence in the ledger: what, where, and which entries', async () => {
    // By then the entries have been compared once, so that it is known to the byte what they were.
    await sleep(4000);
    overwrite(segment(), 1500, 'X');
    await expect.poll(() => gauge('proofs_ledger_tampered'), FIND).toBe(1);
    const [finding] = (await watchStatus()).findings;
    sidecar.kill('SIGTERM');
    expect(await sidecar.exited).toBe(0);
    const leaf = (await storedLeaves(dataDir)).find(({ type }) => type === LEAF_TYPES.tamper);
    const payload = JSON.parse(Buffer.from(leaf?.payload ?? []).toString('utf8')) as Record<string, unknown>;
    expect(payload).toMatchObject({ kind: 'content', file: 'ledger/segments/00000000000000000000.seg', byteFirst: 1500, byteLast: 1500 });
    expect(payload).toMatchObject({ seqFirst: finding.seqs?.first, evidence: expect.stringContaining('are not what was written') });
  });

  it('is told once while it stays, and the gauge stays when it is put right', async () => {
    const before = readFileSync(path('ledger/log.vkey'));
    overwrite(path('ledger/log.vkey'), 0, 'X');
    await expect.poll(() => gauge('proofs_ledger_tampered'), FIND).toBe(1);
    await sleep(600);
    expect((await watchStatus()).detections).toBe(1);
    overwrite(path('ledger/log.vkey'), 0, before.toString('latin1', 0, 1));
    await sleep(600);
    expect(await gauge('proofs_ledger_tampered')).toBe(1);
  });

  it('does not keep events from being taken', async () => {
    overwrite(segment(), 1500, 'X');
    await expect.poll(() => gauge('proofs_ledger_tampered'), FIND).toBe(1);
    expect(await post(5)).toBe(201);
  });
});

describe('nothing is found in', () => {
  it('a life of starts, requests, epochs and stops', async () => {
    for (let life = 0; life < 2; life++) {
      for (let i = 0; i < 40; i++) expect(await post(1 + ((i * 37) % 300))).toBe(201);
      await sleep(1500);
      for (let i = 0; i < 40; i++) expect(await post(3)).toBe(201);
      expect(await watchStatus()).toMatchObject({ state: 'watching', isTampered: false, detections: 0 });
      sidecar.kill(life === 0 ? 'SIGKILL' : 'SIGTERM');
      await sidecar.exited;
      expect(sidecar.stderr()).not.toContain('ledger-tampered');
      sidecar = await startSidecar({ dataDir });
    }
    expect(readdirSync(dataDir)).toContain('.watch-canary');
  });

  it('chmod of everything, and it is in the log', async () => {
    await sleep(1500);
    for (const name of ['', 'ledger', 'ledger/segments', 'keys']) chmodSync(path(name), 0o700);
    for (const name of ['ledger/checkpoint', 'ledger/watermark']) chmodSync(path(name), 0o600);
    chmodSync(segment(), 0o640);
    await sleep(800);
    expect(await watchStatus()).toMatchObject({ isTampered: false, detections: 0 });
  });
});

it('a start names the tamper records of earlier lives', async () => {
  // Far enough to be in a sealed segment: that is what the first reading goes through.
  await sleep(1200);
  unlinkSync(path('.watch-canary'));
  await expect.poll(() => gauge('proofs_ledger_tampered'), FIND).toBe(1);
  for (let i = 0; i < 7; i++) expect(await post(10_000)).toBe(201);
  const seqOfRecord = (await storedLeaves(dataDir)).find(({ type }) => type === LEAF_TYPES.tamper)?.seq;
  sidecar.kill('SIGTERM');
  expect(await sidecar.exited).toBe(0);
  sidecar = await startSidecar({ dataDir });
  await expect.poll(async () => (await watchStatus()).earlierTampers, FIND).toEqual([seqOfRecord]);
  expect(await watchStatus()).toMatchObject({ isTampered: false, detections: 0 });
});

it('goes on without evidence when the disk is full, and says so', async () => {
  using disk = smallDisk(4 * 1024 * 1024);
  await sidecar[Symbol.asyncDispose]();
  dataDir = join(disk.path, 'data');
  sidecar = await startSidecar({ dataDir });
  expect(await post(20)).toBe(201);
  await sleep(1500);
  disk.fill(0);
  renameSync(segment(), path('moved'));
  await expect.poll(() => gauge('proofs_ledger_tampered'), FIND).toBe(1);
  expect((await watchStatus()).findings[0]).toMatchObject({ kind: 'missing' });
});

it('a sidecar that is not watched says so', async () => {
  sidecar.kill('SIGTERM');
  await sidecar.exited;
  sidecar = await startSidecar({ dataDir, env: { PROOFS_WATCH: 'off' } });
  expect((await watchStatus()).state).toBe('off');
  expect(await gauge('proofs_watch_up')).toBe(0);
  expect(readdirSync(dataDir)).not.toContain('.watch-canary');
});

it('a ledger that must not be written ends the start, watch and all', async () => {
  sidecar.kill('SIGTERM');
  await sidecar.exited;
  rmSync(path('ledger/segments/00000000000000000000.seg'));
  await using launched = launchSidecar({ dataDir });
  await expect(launched.listening).rejects.toThrow('ended with 30 before listening');
  expect(await launched.exited).toBe(30);
});
