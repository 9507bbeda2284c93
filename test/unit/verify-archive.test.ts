import { describe, expect, it } from 'vitest';
import { parseCheckpoint } from '../../src/kernel/note.ts';
import { ArchiveFiles } from '../../src/verify/archive-files.ts';
import type { LedgerReport } from '../../src/verify/ledger-report.ts';
import { verifyLedger, type VerifyLedgerInput } from '../../src/verify/verify-ledger.ts';
import type { Step } from '../support/ledger-builder.ts';
import { makeArchive, MemoryStore } from '../support/make-archive.ts';
import { makeLedger, START_NS } from '../support/make-ledger.ts';

/** An archive verifies by itself, without a segment of the ledger it was made of. */
const after = (seconds: number): bigint => START_NS + BigInt(seconds) * 1_000_000_000n;
const events = (seconds: number, count: number): Step => ({
  timeNs: after(seconds),
  leaves: Array.from({ length: count }, (_, i) => ({ payload: { message: `m${seconds}.${i}` } })),
});
const requests: Step[] = [events(1, 700), { timeNs: after(2), seal: {} }, events(3, 900), { timeNs: after(4), seal: {} }, events(5, 300)];
const made = makeLedger({ epochPolicy: 'seal/v1', requests, requestsPerCommit: 100 });
const SIZE = 1536;
const archive = makeArchive(made, SIZE);
const ROOT = [{ label: 'verification.key', key: made.hmacKey }];

async function verify(objects: ReadonlyMap<string, Uint8Array>, options: Partial<VerifyLedgerInput> = {}): Promise<LedgerReport> {
  const files = await ArchiveFiles.open(new MemoryStore(objects), '');
  return verifyLedger({ files, hmacKeys: ROOT, allow: { unanchored: false, unsealed: false }, ...options });
}

function changed(key: string, at: number): Map<string, Uint8Array> {
  const content = Uint8Array.from(archive.get(key) ?? []);
  if (content.length <= at) throw new Error(`the archive has no byte ${at} in ${key}`);
  content[at] ^= 1;
  return new Map(archive).set(key, content);
}

describe('an archive', () => {
  it('verifies with the root key and with the public key, and says what it cannot say', async () => {
    const keyed = await verify(archive);
    expect([keyed.verdict, keyed.findings, keyed.facts.size, keyed.facts.macsChecked]).toEqual(['OK_UNANCHORED', [], SIZE, SIZE]);
    expect(keyed.notChecked.join('\n')).toContain('an archive has the log key’s alone');
    expect((await verify(archive, { hmacKeys: [] })).verdict).toBe('OK_UNANCHORED');
  });

  it('of a size that is no multiple of 256 has partial tiles', async () => {
    const partial = await verify(makeArchive(made, 1000));
    expect([partial.verdict, partial.findings, partial.facts.size]).toEqual(['OK_UNANCHORED', [], 1000]);
  });

  it('is anchored by a checkpoint of its size', async () => {
    const anchors = [parseCheckpoint(Buffer.from(archive.get('checkpoint') ?? []).toString())];
    expect((await verify(archive, { anchors })).verdict).toBe('OK_ANCHORED');
  });

  it('names the changed entry, by its bundle', async () => {
    const { verdict, findings } = await verify(changed('tile/entries/002', 500));
    expect([verdict, findings.length, findings[0].place.file]).toEqual(['TAMPERED', 1, 'tile/entries/002']);
    expect(findings[0].place.seqFirst).toBeGreaterThanOrEqual(512);
    expect((await verify(changed('tile/entries/002', 500), { hmacKeys: [] })).verdict).toBe('TAMPERED');
  });

  it.each([
    ['tile/0/003', 768, 1023],
    ['tile/1/000.p/6', 0, SIZE - 1],
  ])('names the changed hash tile %s', async (key, seqFirst, seqLast) => {
    const { verdict, findings } = await verify(changed(key, 33));
    expect([verdict, findings.map(({ place }) => place)]).toEqual(['TAMPERED', [{ file: key, seqFirst, seqLast }]]);
  });

  it.each(['tile/entries/002', 'tile/entries/005', 'tile/0/001', 'log.vkey'])('without %s is refused there', async (key) => {
    const objects = new Map(archive);
    objects.delete(key);
    const { exitCode, findings } = await verify(objects);
    expect(exitCode).toBeGreaterThanOrEqual(30);
    expect(findings[0].place.file).toBe(key === 'tile/entries/002' ? 'tile/entries/003' : key);
  });

  it('cut short together with its tiles contradicts its signed size', async () => {
    const shorter = new Map(makeArchive(made, 1024)).set('checkpoint', archive.get('checkpoint') ?? new Uint8Array(0));
    const { exitCode, findings } = await verify(shorter);
    expect([exitCode >= 30, findings[0].place.seqFirst]).toEqual([true, 1024]);
  });

  it('that states an impossible number of entries is not read', async () => {
    const note = Buffer.from(archive.get('checkpoint') ?? [])
      .toString()
      .replace(`\n${SIZE}\n`, '\n9007199254740991\n');
    await expect(verify(new Map(archive).set('checkpoint', Buffer.from(note)))).rejects.toMatchObject({ code: 'unreadable' });
  });
});
