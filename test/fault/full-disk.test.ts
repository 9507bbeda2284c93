import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { smallDisk } from '../support/small-disk.ts';
import { SidecarStartError, startSidecar } from '../support/sidecar.ts';
import { tempDir } from '../support/temp-dir.ts';
import { CaseFolder } from './case-folder.ts';
import { compareWithSent, readRequests } from './ledger-oracle.ts';
import { offlineVerdict } from './offline-verdict.ts';
import { newBatch, post, type SentBatch } from './producer.ts';

const DISK_BYTES = 4 * 1024 * 1024;
/** More requests than fit the disk: the loop ends when it is full. */
const REQUESTS_MAX = 200;

/** Posts so many new events, keeps them in `sent` and answers the status. */
async function send(url: string, sent: SentBatch[], events: number): Promise<number> {
  sent.push(newBatch(`r${sent.length}`, events));
  return (await post(url, sent[sent.length - 1])).status;
}

const ready = async (url: string): Promise<{ status: string; reasons: string[] }> =>
  (await (await fetch(`${url}/readyz`)).json()) as { status: string; reasons: string[] };

it(
  'refuses with 507 on a disk that is really full, keeps what it acknowledged, and goes on when there is space again',
  { timeout: 60_000 },
  async () => {
    using disk = smallDisk(DISK_BYTES);
    const folder = new CaseFolder(disk.path);
    const { dataDir } = folder;
    const sent: SentBatch[] = [];
    await using sidecar = await startSidecar({ dataDir });
    expect(await send(sidecar.url, sent, 100)).toBe(201);
    disk.fill(200_000);
    const statuses: number[] = [];
    while (statuses.length < REQUESTS_MAX && statuses.at(-1) !== 507) statuses.push(await send(sidecar.url, sent, 300));
    expect(statuses.filter((status) => status === 201).length).toBeGreaterThan(0);
    expect(statuses.at(-1)).toBe(507);
    expect(await ready(sidecar.url)).toMatchObject({ status: 'unavailable' });

    disk.free();
    for (const batch of sent.filter(({ answer }) => answer === undefined)) expect((await post(sidecar.url, batch)).status).toBe(201);
    expect(await ready(sidecar.url)).toEqual({ status: 'ready', reasons: [] });
    sidecar.kill('SIGTERM');
    expect(await sidecar.exited).toBe(0);
    expect(await offlineVerdict(folder)).toEqual({ verdict: 'OK_UNANCHORED', findings: [] });
    expect(compareWithSent(readRequests(dataDir), sent)).toEqual([]);
  },
);

it(
  'refuses with 507 where a seal still fits but the key of the next epoch does not, and goes on by itself',
  { timeout: 60_000 },
  async () => {
    using disk = smallDisk(DISK_BYTES);
    const folder = new CaseFolder(disk.path);
    const { dataDir } = folder;
    const sent: SentBatch[] = [];
    await using sidecar = await startSidecar({ dataDir });
    expect(await send(sidecar.url, sent, 8)).toBe(201);
    // No block is free, but the last one of the segment has room for a request and a seal.
    disk.fill(0);
    expect(await send(sidecar.url, sent, 1)).toBe(201);
    await expect.poll(async () => (await ready(sidecar.url)).reasons.join('; '), { timeout: 10_000 }).toMatch(/the disk is full/);
    for (const events of [1, 200, 1]) expect(await send(sidecar.url, sent, events)).toBe(507);

    disk.free();
    await expect.poll(() => ready(sidecar.url), { timeout: 10_000 }).toEqual({ status: 'ready', reasons: [] });
    for (const batch of sent.filter(({ answer }) => answer === undefined)) expect((await post(sidecar.url, batch)).status).toBe(201);
    sidecar.kill('SIGTERM');
    expect(await sidecar.exited).toBe(0);
    expect(await offlineVerdict(folder)).toEqual({ verdict: 'OK_UNANCHORED', findings: [] });
    expect(compareWithSent(readRequests(dataDir), sent)).toEqual([]);
  },
);

it('starts on a full disk to be read, says what is degraded, and records later what it repaired', { timeout: 60_000 }, async () => {
  using disk = smallDisk(DISK_BYTES);
  const dataDir = join(disk.path, 'data');
  const stored = newBatch('stored', 50);
  {
    await using sidecar = await startSidecar({ dataDir });
    expect((await post(sidecar.url, stored)).status).toBe(201);
    sidecar.kill('SIGKILL');
    await sidecar.exited;
  }
  const watermark = join(dataDir, 'ledger', 'watermark');
  const bytes = readFileSync(watermark);
  const newest = bytes.readBigUInt64BE(8) > bytes.readBigUInt64BE(4096 + 8) ? 0 : 4096;
  bytes[4096 - newest + 40] ^= 1;
  writeFileSync(watermark, bytes);
  disk.fill(0);

  await using sidecar = await startSidecar({ dataDir });
  expect((await ready(sidecar.url)).reasons.join('; ')).toMatch(/published checkpoint is older/);
  const answer = await fetch(`${sidecar.url}/ledger/status`);
  expect(answer.status).toBe(200);
  const refused = newBatch('refused at first', 200);
  expect((await post(sidecar.url, refused)).status).toBe(507);

  disk.free();
  // The key of the next epoch may have met the full disk too; it is tried again within a second.
  await expect.poll(async () => (await post(sidecar.url, refused)).status, { timeout: 10_000 }).toBe(201);
  sidecar.kill('SIGTERM');
  expect(await sidecar.exited).toBe(0);
  expect(compareWithSent(readRequests(dataDir), [stored, refused])).toEqual([]);
  const segment = readFileSync(join(dataDir, 'ledger', 'segments', `${'0'.repeat(20)}.seg`), 'latin1');
  expect(segment.match(/"reason":"slot \d was damaged"/g)).toHaveLength(1);
});

it('fails a second sidecar on the same folder with 70 and a clear message, while the first goes on', { timeout: 60_000 }, async () => {
  using dir = tempDir();
  await using first = await startSidecar({ dataDir: dir.path });
  const second = await startSidecar({ dataDir: dir.path }).catch((error: unknown) => error);
  expect(second).toBeInstanceOf(SidecarStartError);
  expect(second).toMatchObject({ exitCode: 70, message: expect.stringContaining('another process is writing this ledger') as string });
  expect((await post(first.url, newBatch('still here', 3))).status).toBe(201);
  first.kill('SIGTERM');
  expect(await first.exited).toBe(0);
});
