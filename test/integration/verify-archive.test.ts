import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Archiver } from '../../src/archive/archiver.ts';
import { DirectoryStore } from '../../src/archive/directory-store.ts';
import { S3Store } from '../../src/archive/s3-store.ts';
import { UsageError } from '../../src/cli/command.ts';
import { logVerify } from '../../src/cli/log-verify.ts';
import { toHex } from '../../src/kernel/bytes.ts';
import { openLedger } from '../../src/ledger/open-ledger.ts';
import type { LedgerReport } from '../../src/verify/ledger-report.ts';
import { captureIo } from '../support/cli-io.ts';
import { fillLedger } from '../support/fill-ledger.ts';
import { segmentPath } from '../support/make-ledger.ts';
import { S3_ACCESS_KEY_ID, S3_BUCKET, S3_REGION, S3_SECRET_ACCESS_KEY, startS3Server, type S3Server } from '../support/s3-server.ts';
import { tempDir } from '../support/temp-dir.ts';

/** What the real writer, archiver and retention leave behind, checked by a verifier that knows the documents only. */
const SEGMENT = 65_536;
const never = new AbortController().signal;

describe('a ledger whose second segment was archived and removed', () => {
  const dir = tempDir();
  const dataDir = join(dir.path, 'data');
  const archiveDir = join(dir.path, 'archive');
  const s3KeyFile = join(dir.path, 's3.keys');
  let server: S3Server;
  let ledgerId = '';

  async function verify(args: readonly string[], env: Record<string, string> = {}): Promise<LedgerReport> {
    const io = captureIo({ env });
    await logVerify.run([...args, '--json'], io);
    return JSON.parse(io.out()) as LedgerReport;
  }

  beforeAll(async () => {
    server = await startS3Server();
    const ledger = await openLedger({ dataDir });
    try {
      await fillLedger(ledger, 2 * SEGMENT + 500);
      ledgerId = toHex(ledger.identity.ledgerId);
      const keys = { accessKeyId: S3_ACCESS_KEY_ID, secretAccessKey: S3_SECRET_ACCESS_KEY };
      const s3 = new S3Store({ endpoint: server.endpoint, region: S3_REGION, bucket: S3_BUCKET, prefix: 'team', ...keys });
      for (const store of [new DirectoryStore(archiveDir), s3]) {
        const archiver = new Archiver(ledger, store, { uploadsMax: 8 });
        while (await archiver.archiveSegment(never));
      }
      await ledger.prune(2 * SEGMENT, archiveDir);
    } finally {
      await ledger.close();
    }
    writeFileSync(s3KeyFile, `${S3_ACCESS_KEY_ID}\n${S3_SECRET_ACCESS_KEY}\n`, { mode: 0o600 });
  }, 180_000);

  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    dir[Symbol.dispose]();
  });

  it('verifies, and says how many entries were not read', async () => {
    expect(existsSync(join(dataDir, segmentPath(SEGMENT)))).toBe(false);
    const { verdict, findings, facts } = await verify(['--data-dir', dataDir]);
    expect([verdict, findings, facts.pruned, facts.macsChecked]).toEqual(['OK_UNANCHORED', [], SEGMENT, facts.size - SEGMENT]);
    expect((await verify(['--data-dir', dataDir, '--public-only'])).verdict).toBe('OK_UNANCHORED');
  });

  it('verifies from its archive in a folder, all of it, with the keys that lie beside the ledger', async () => {
    for (const location of [archiveDir, join(archiveDir, ledgerId)]) {
      const { verdict, findings, facts } = await verify(['--archive', location, '--keys-dir', join(dataDir, 'keys')]);
      expect([verdict, findings, facts.size, facts.macsChecked]).toEqual(['OK_UNANCHORED', [], 2 * SEGMENT, 2 * SEGMENT]);
    }
  });

  it('verifies from its archive in an S3-compatible store', async () => {
    const env = { PROOFS_S3_ENDPOINT: server.endpoint, PROOFS_S3_REGION: S3_REGION, PROOFS_S3_KEY_FILE: s3KeyFile };
    const { verdict, findings, facts } = await verify(['--archive', `s3://${S3_BUCKET}/team/${ledgerId}`, '--public-only'], env);
    expect([verdict, findings, facts.size]).toEqual(['OK_UNANCHORED', [], 2 * SEGMENT]);
  });

  it('names the entry that was changed in the archive', async () => {
    const bundle = join(archiveDir, ledgerId, 'tile/entries/300');
    const content = readFileSync(bundle);
    content[500] ^= 1;
    writeFileSync(bundle, content);
    const { verdict, findings } = await verify(['--archive', archiveDir, '--keys-dir', join(dataDir, 'keys')]);
    expect([verdict, findings.map(({ place }) => place.file)]).toEqual(['TAMPERED', ['tile/entries/300']]);
    content[500] ^= 1;
    writeFileSync(bundle, content);
  });

  it('is TAMPERED without what retention left of the segment', async () => {
    rmSync(join(dataDir, `ledger/pruned/${String(SEGMENT).padStart(20, '0')}.idx`));
    const { verdict, findings } = await verify(['--data-dir', dataDir]);
    expect([verdict, findings[0].place.seqFirst, findings[0].place.seqLast]).toEqual(['TAMPERED', SEGMENT, 2 * SEGMENT - 1]);
  });

  it.each([
    ['holds no checkpoint', ['--archive', dataDir]],
    ['exclude each other', ['--archive', archiveDir, '--data-dir', dataDir]],
    ['PROOFS_S3_KEY_FILE', ['--archive', 's3://bucket/x']],
  ])('says "%s" for bad words', async (message, args) => {
    const failure = await logVerify.run(args, captureIo()).catch((error: unknown) => error);
    expect([failure instanceof UsageError, String(failure)]).toEqual([true, expect.stringContaining(message)]);
  });
});
