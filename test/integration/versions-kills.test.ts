import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { CaseFolder } from '../fault/case-folder.ts';
import { offlineVerdict } from '../fault/offline-verdict.ts';
import { Dice } from '../support/dice.ts';
import { testSeed } from '../support/seed.ts';
import { launchSidecar, SidecarStartError, startSidecar } from '../support/sidecar.ts';
import { smallDisk } from '../support/small-disk.ts';
import { noise } from '../support/store-in-hand.ts';
import { tempDir } from '../support/temp-dir.ts';

const KILLS = 15;
/** A kill comes after so many acknowledged changes, and a moment: however busy the machine is, it hits changes. */
const KILL_AFTER_CHANGES_MAX = 12;
const KILL_AFTER_MS_MAX = 30;
/** Of these some hit a start that still settles what the kill before left. */
const EARLY_KILLS_ONE_IN = 4;
const CLIENTS = 6;
const NAMES = ['a', 'b', 'c'] as const;

interface Version {
  readonly version: number;
  readonly sha256: string;
  readonly cause: string;
  readonly restores?: number;
}

const sha256 = (content: Uint8Array): string => createHash('sha256').update(content).digest('hex');

/** What clients know of one artifact. */
class Known {
  /** By version: the hash of what was acknowledged. */
  readonly acknowledged = new Map<number, string>();
  /** Every content that was ever sent, by its hash. */
  readonly sent = new Map<string, Buffer>();
}

/** Undefined when the connection broke: nobody knows what became of it. */
async function ask(url: string, path: string, init: RequestInit = {}): Promise<Response | undefined> {
  try {
    const response = await fetch(`${url}${path}`, init);
    const body = await response.arrayBuffer();
    return new Response([204, 304].includes(response.status) ? null : body, response);
  } catch (error) {
    if (error instanceof TypeError && /fetch failed|terminated/.test(error.message)) return undefined;
    throw error;
  }
}

async function json<T>(response: Response | undefined): Promise<T> {
  if (response?.ok !== true) throw new Error(`an answer was ${response?.status}: ${await response?.text()}`);
  return (await response.json()) as T;
}

async function headOf(url: string, name: string): Promise<{ etag: string; version: number } | undefined> {
  const response = await ask(url, `/versions/${name}?limit=1`);
  if (response?.status !== 200) return undefined;
  const { head } = (await response.json()) as { head: { etag: string; version: number } };
  return head;
}

/** A change of one artifact; answers false when the sidecar is gone. */
async function changeOnce(url: string, name: string, known: Known, dice: Dice): Promise<boolean> {
  const head = await headOf(url, name);
  const isRollback = head !== undefined && dice.once(3);
  const base = Buffer.from(`${name} ${'text '.repeat(200)}`);
  const content = dice.once(4) ? noise(2000) : Buffer.concat([base, Buffer.from(`${dice.below(1e9)}`), base]);
  known.sent.set(sha256(content), content);
  const condition: Record<string, string> = head === undefined ? { 'if-none-match': '*' } : { 'if-match': head.etag };
  const response = isRollback
    ? await ask(url, `/versions/${name}/rollback`, {
        method: 'POST',
        headers: { ...condition, 'content-type': 'application/json' },
        body: JSON.stringify({ to: 1 + dice.below(head.version), reason: 'test' }),
      })
    : await ask(url, `/versions/${name}`, { method: 'PUT', headers: condition, body: new Uint8Array(content) });
  if (response === undefined) return false;
  if (response.status !== 201) {
    expect([412, 503]).toContain(response.status);
    return response.status === 412;
  }
  const answer = (await response.json()) as Version & { record?: Version };
  const { version, sha256: hash } = answer.record ?? answer;
  // Nobody else was told that this version is theirs.
  expect(known.acknowledged.has(version)).toBe(false);
  known.acknowledged.set(version, hash);
  return true;
}

/** Everything acknowledged is there, every version is something that was sent, and all is whole. */
async function checkAll(url: string, known: ReadonlyMap<string, Known>): Promise<number> {
  let count = 0;
  for (const [name, { acknowledged, sent }] of known) {
    const head = await headOf(url, name);
    if (head === undefined) {
      expect(acknowledged.size).toBe(0);
      continue;
    }
    const versions: Version[] = [];
    for (let before = head.version + 1; before > 1; before = versions.at(-1)?.version ?? 1)
      versions.push(...(await json<{ versions: Version[] }>(await ask(url, `/versions/${name}?before=${before}&limit=100`))).versions);
    expect(versions.map(({ version }) => version)).toEqual(Array.from({ length: head.version }, (_, i) => head.version - i));
    const hashes = new Map(versions.map((each) => [each.version, each.sha256]));
    for (const [version, hash] of acknowledged) expect(hashes.get(version)).toBe(hash);
    for (const { version, sha256: hash, cause, restores = 0 } of versions) {
      if (cause === 'rollback') expect(hash).toBe(hashes.get(restores));
      expect(sent.has(hash), `version ${version} of ${name}`).toBe(true);
    }
    for (const version of new Set([1, head.version, Math.ceil(head.version / 2)])) {
      const body = await (await ask(url, `/versions/${name}/${version}`))?.arrayBuffer();
      expect(sent.get(hashes.get(version) ?? '')?.equals(Buffer.from(body ?? new ArrayBuffer(0)))).toBe(true);
    }
    const report = await json<{ checked: number; damages: unknown[] }>(await ask(url, `/versions/${name}/verify`, { method: 'POST' }));
    expect(report).toMatchObject({ checked: head.version, damages: [] });
    count += head.version;
  }
  return count;
}

it(`versions and their rollbacks survive ${KILLS} kills under load`, { timeout: 120_000 }, async () => {
  using directory = tempDir();
  const folder = new CaseFolder(directory.path);
  const { dataDir } = folder;
  const seed = testSeed();
  const dice = new Dice(seed, 0);
  const known = new Map(NAMES.map((name) => [name, new Known()]));
  for (let kill = 0; kill < KILLS; kill++) {
    await using sidecar = launchSidecar({ dataDir });
    if (dice.once(EARLY_KILLS_ONE_IN)) {
      await sleep(dice.below(600));
      sidecar.kill('SIGKILL');
      await sidecar.listening.catch((error: unknown) => expect(error).toBeInstanceOf(SidecarStartError));
      continue;
    }
    const url = await sidecar.listening;
    let changes = 1 + dice.below(KILL_AFTER_CHANGES_MAX);
    const { promise: enough, resolve: isEnough } = Promise.withResolvers<void>();
    const clients = Array.from({ length: CLIENTS }, async (_, client) => {
      const own = new Dice(seed, 1 + kill * CLIENTS + client);
      for (let isThere = true; isThere;) {
        const name = own.pick(NAMES);
        isThere = await changeOnce(url, name, known.get(name) ?? new Known(), own);
        if (--changes === 0 || !isThere) isEnough();
      }
    });
    await enough;
    await sleep(dice.below(KILL_AFTER_MS_MAX));
    sidecar.kill('SIGKILL');
    await Promise.all(clients);
    await sidecar.exited;
  }
  await using sidecar = await startSidecar({ dataDir });
  const count = await checkAll(sidecar.url, known);
  expect(count).toBeGreaterThan(KILLS);
  expect(readdirSync(join(dataDir, 'versions', 'incoming'))).toEqual([]);
  for (const name of NAMES) expect(readdirSync(join(dataDir, 'versions', 'names', name))).not.toContain('pending');
  sidecar.kill('SIGTERM');
  expect(await sidecar.exited).toBe(0);
  expect(await offlineVerdict(folder)).toEqual({ verdict: 'OK_UNANCHORED', findings: [] });
});

it('of changes with one If-Match exactly one becomes the version, however many come at once', { timeout: 60_000 }, async () => {
  using directory = tempDir();
  await using sidecar = await startSidecar({ dataDir: directory.path });
  const { url } = sidecar;
  const dice = new Dice(testSeed(), 99);
  const known = new Known();
  for (let round = 0; round < 12; round++) {
    const head = await headOf(url, 'a');
    expect(head?.version ?? 0).toBe(round);
    const condition: Record<string, string> = head === undefined ? { 'if-none-match': '*' } : { 'if-match': head.etag };
    const tries = Array.from({ length: 20 }, (_, i) => {
      if (i % 4 === 3 && head !== undefined) {
        const body = JSON.stringify({ to: 1 + dice.below(head.version), reason: 'test' });
        return ask(url, '/versions/a/rollback', { method: 'POST', headers: { ...condition, 'content-type': 'application/json' }, body });
      }
      const content = Buffer.from(`${round} ${i} ${'text '.repeat(300)}`);
      known.sent.set(sha256(content), content);
      return ask(url, '/versions/a', { method: 'PUT', headers: condition, body: new Uint8Array(content) });
    });
    const answers = await Promise.all(tries);
    expect(answers.map((answer) => answer?.status ?? 0).toSorted((a, b) => a - b)).toEqual([201, ...Array<number>(19).fill(412)]);
    const winner = answers.find((answer) => answer?.status === 201);
    const answer = await json<Version & { record?: Version }>(winner);
    const { version, sha256: hash } = answer.record ?? answer;
    known.acknowledged.set(version, hash);
    for (const loser of answers)
      if (loser?.status === 412) expect(await loser.json()).toMatchObject({ current: { version: round + 1, sha256: hash } });
  }
  expect(await checkAll(url, new Map([['a', known]]))).toBe(12);
});

it('a version for which the disk has no room is 507, and leaves nothing behind', { timeout: 60_000 }, async () => {
  using disk = smallDisk(12 * 1024 * 1024);
  const dataDir = join(disk.path, 'data');
  await using sidecar = await startSidecar({ dataDir });
  const { url } = sidecar;
  const known = new Known();
  const put = async (content: Buffer): Promise<number | undefined> => {
    known.sent.set(sha256(content), content);
    const head = await headOf(url, 'a');
    const headers: Record<string, string> = head === undefined ? { 'if-none-match': '*' } : { 'if-match': head.etag };
    const answer = await ask(url, '/versions/a', { method: 'PUT', headers, body: new Uint8Array(content) });
    if (answer?.status === 201) known.acknowledged.set((head?.version ?? 0) + 1, sha256(content));
    return answer?.status;
  };
  const files = (): string[] => readdirSync(join(dataDir, 'versions'), { recursive: true, encoding: 'utf8' }).toSorted();
  const content = noise(1024 * 1024);
  expect(await put(content)).toBe(201);
  const before = files();
  for (const room of [500_000, 100_000, 9000, 0]) {
    disk.fill(room);
    expect([room, await put(noise(1024 * 1024))]).toEqual([room, 507]);
    expect(readdirSync(join(dataDir, 'versions', 'incoming'))).toEqual([]);
  }
  expect(await put(Buffer.from('small'))).toBe(507);
  const rollback = { method: 'POST', headers: { 'content-type': 'application/json' } };
  const etag = (await headOf(url, 'a'))?.etag ?? '';
  const refused = await ask(url, '/versions/a/rollback', {
    ...rollback,
    headers: { ...rollback.headers, 'if-match': etag },
    body: JSON.stringify({ to: 1, reason: 'test' }),
  });
  expect(refused?.status).toBe(507);
  expect(files().filter((file) => !file.endsWith('.tmp') && !file.endsWith('/pending'))).toEqual(before);
  expect(Buffer.from((await (await ask(url, '/versions/a/1'))?.arrayBuffer()) ?? new ArrayBuffer(0)).equals(content)).toBe(true);

  disk.free();
  // The ledger may still be about to find out that there is room again.
  await expect.poll(() => put(noise(1000)), { timeout: 15_000 }).toBe(201);
  expect(await put(Buffer.concat([content, Buffer.from('more')]))).toBe(201);
  expect(await checkAll(url, new Map([['a', known]]))).toBe(3);
  sidecar.kill('SIGTERM');
  expect(await sidecar.exited).toBe(0);
});
