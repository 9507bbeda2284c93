import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { toHex } from '../../src/kernel/bytes.ts';
import { parseCheckpoint } from '../../src/kernel/note.ts';
import { fillLedger } from '../support/fill-ledger.ts';
import { startApp, type RunningApp } from '../support/running-app.ts';
import { S3_ACCESS_KEY_ID, S3_BUCKET, S3_REGION, S3_SECRET_ACCESS_KEY, startS3Server } from '../support/s3-server.ts';
import { tempDir } from '../support/temp-dir.ts';

const SEGMENT = 65_536;
/** 514 objects of a segment, on a machine that has other things to do. */
const ARCHIVED_MS_MAX = 40_000;

const metric = async (app: RunningApp, name: string): Promise<number> => {
  const line = new RegExp(`^${name} (\\d+)$`, 'm').exec(await (await fetch(`${app.url}/metrics`)).text());
  return Number(line?.[1] ?? Number.NaN);
};

const reasons = async (app: RunningApp): Promise<string> => JSON.stringify((await app.getJson('/readyz')).json['reasons']);

async function waitForLeaves(app: RunningApp, leaves: number): Promise<void> {
  await vi.waitFor(async () => expect(await metric(app, 'proofs_archive_leaves')).toBe(leaves), {
    timeout: ARCHIVED_MS_MAX,
    interval: 100,
  });
}

it('archives each full segment while it runs, and goes on after a restart where it was', { timeout: 120_000 }, async () => {
  using dir = tempDir();
  const [dataDir, archive] = [join(dir.path, 'data'), join(dir.path, 'archive')];
  const env = { PROOFS_ARCHIVE: archive };
  let location = '';
  {
    await using app = await startApp({ dataDir, env });
    location = join(archive, toHex(app.context.ledger.identity.ledgerId));
    await fillLedger(app.context.ledger, SEGMENT + 10);
    await waitForLeaves(app, SEGMENT);
    expect(await metric(app, 'proofs_archive_lag_leaves')).toBe(0);
    expect(await metric(app, 'proofs_archive_errors_total')).toBe(0);
    expect(await metric(app, 'proofs_ledger_tampered')).toBe(0);
    expect(await reasons(app)).not.toContain('archive');
  }
  const signed = parseCheckpoint(readFileSync(join(location, 'checkpoint'), 'utf8'));
  expect(signed.size).toBe(SEGMENT);
  await using again = await startApp({ dataDir, env });
  await waitForLeaves(again, SEGMENT);
  await fillLedger(again.context.ledger, SEGMENT);
  await waitForLeaves(again, 2 * SEGMENT);
  expect(existsSync(join(location, 'tile/entries/511'))).toBe(true);
});

it('archives to S3 with keys from a file', { timeout: 120_000 }, async () => {
  using dir = tempDir();
  await using server = await startS3Server();
  const keyFile = join(dir.path, 's3-keys');
  writeFileSync(keyFile, `${S3_ACCESS_KEY_ID}\n${S3_SECRET_ACCESS_KEY}\n`, { mode: 0o600 });
  const env = {
    PROOFS_ARCHIVE: `s3://${S3_BUCKET}/prod`,
    PROOFS_S3_ENDPOINT: server.endpoint,
    PROOFS_S3_REGION: S3_REGION,
    PROOFS_S3_KEY_FILE: keyFile,
  };
  await using app = await startApp({ env });
  await fillLedger(app.context.ledger, SEGMENT + 10);
  await waitForLeaves(app, SEGMENT);
  const id = toHex(app.context.ledger.identity.ledgerId);
  expect(server.requests.at(-1)).toMatch(/^(PUT \/ledgers\/prod\/[0-9a-f]{32}\/checkpoint|GET .*list-type=2)/);
  expect(server.requests).toContain(`PUT /ledgers/prod/${id}/tile/entries/255`);
});

it('goes on taking events when the archive is not its own, and says so', async () => {
  using dir = tempDir();
  const [dataDir, archive] = [join(dir.path, 'data'), join(dir.path, 'archive')];
  let id = '';
  {
    await using app = await startApp({ dataDir });
    id = toHex(app.context.ledger.identity.ledgerId);
  }
  mkdirSync(join(archive, id), { recursive: true });
  writeFileSync(join(archive, id, 'checkpoint'), 'not a checkpoint');
  await using app = await startApp({ dataDir, env: { PROOFS_ARCHIVE: archive } });
  await vi.waitFor(async () => expect(await reasons(app)).toContain('full segments are not being archived'), { timeout: 10_000 });
  expect(await reasons(app)).toContain('has a checkpoint that cannot be read');
  expect(await metric(app, 'proofs_archive_errors_total')).toBe(1);
  expect(app.logLines.join('')).toContain('archiving failed; ingest goes on');
  expect((await app.post('{"message":"still here"}')).status).toBe(201);
  expect(readFileSync(join(archive, id, 'checkpoint'), 'utf8')).toBe('not a checkpoint');
});
