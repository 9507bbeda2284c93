import { closeSync, ftruncateSync, fsyncSync, openSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { toHex } from '../kernel/bytes.ts';
import type { Json } from '../kernel/canonical-json.ts';
import { parseSegmentName } from '../kernel/leaf.ts';
import { nodeHashes } from '../kernel/node-hashes.ts';
import { isDiskFull, isPresent, listDirectory, makeDirectory, readIfPresent, removeFile, syncDirectory, writeNewFile } from './files.ts';
import { LedgerError } from './ledger-error.ts';
import type { LedgerPaths } from './paths.ts';
import type { Break, ScanResult } from './scan.ts';
import type { WriteJournal } from './write-journal.ts';

/** Cut tails are copied whole; a group in flight is far smaller, anything larger than this is not a torn write of ours. */
const QUARANTINE_BYTES_MAX = 1024 * 1024 * 1024;

/** Copies everything behind the last complete request to quarantine, then cuts it off; answers what the recovery leaves will say. */
export function cutTail(paths: LedgerPaths, scan: ScanResult, broken: Break, journal: WriteJournal): Json[] {
  const findings: Json[] = [];
  const { end, segment, frontier } = scan.complete;
  for (const name of scan.segments.slice(scan.segments.indexOf(segment))) {
    const path = join(paths.segments, name);
    const keepBytes = name === segment ? end.bytes : 0;
    const fileBytes = statSync(path).size;
    if (fileBytes > keepBytes) {
      const tail = readTail(path, keepBytes, fileBytes);
      findings.push({
        action: 'cut',
        file: name,
        bytes: tail.length,
        firstSeq: frontier.size,
        reason: name === broken.segment ? broken.reason : 'follows a cut',
        sha256: quarantine(paths, tail),
      });
    }
    const first = parseSegmentName(name);
    if (first !== undefined) journal.cut(first, keepBytes);
    if (name === segment) truncateFile(path, keepBytes);
    else removeFile(path);
  }
  syncDirectory(paths.segments);
  return findings;
}

function readTail(path: string, from: number, to: number): Buffer {
  if (to - from > QUARANTINE_BYTES_MAX)
    throw new LedgerError('tampered', `${path} goes on for ${to - from} bytes that were never acknowledged: more than a crash can leave`);
  return (readIfPresent(path, to) ?? Buffer.alloc(0)).subarray(from);
}

/** Content-addressed, so that a repeated recovery stores the same bytes once. */
function quarantine(paths: LedgerPaths, bytes: Uint8Array): string {
  const sha256 = toHex(nodeHashes.sha256(bytes));
  makeDirectory(paths.quarantine);
  const path = join(paths.quarantine, `${sha256}.bin`);
  if (isPresent(path)) removeFile(path);
  writeNewFile(path, bytes);
  return sha256;
}

function truncateFile(path: string, bytes: number): void {
  const fd = openSync(path, 'r+');
  try {
    ftruncateSync(fd, bytes);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** A recovery that died after cutting left its copy but no record: record it now. */
export function orphanFindings(
  paths: LedgerPaths,
  recorded: ReadonlySet<string>,
  findings: readonly Json[],
  firstSeq: number,
): readonly Json[] {
  makeDirectory(paths.quarantine);
  const fresh = new Set(findings.map((finding) => (finding as { sha256: string }).sha256));
  return listDirectory(paths.quarantine).flatMap((name) => {
    const sha256 = /^([0-9a-f]{64})\.bin$/.exec(name)?.[1];
    if (sha256 === undefined || recorded.has(sha256) || fresh.has(sha256)) return [];
    const bytes = statSync(join(paths.quarantine, name)).size;
    return [{ action: 'cut', file: `quarantine/${name}`, bytes, firstSeq, reason: 'left by an interrupted recovery', sha256 }];
  });
}

/**
 * The damaged file is copied first: it is overwritten before the recovery leaf is on the disk, and a kill in between must not take
 * the evidence away (orphanFindings records the copy at the next start). A full disk keeps no copy; the leaf waits in the writer then.
 */
export function replacedFinding(paths: LedgerPaths, file: string, content: Uint8Array, firstSeq: number, reason: string): Json {
  try {
    quarantine(paths, content);
  } catch (error) {
    if (!isDiskFull(error)) throw error;
  }
  return { action: 'replaced', file, bytes: content.length, firstSeq, reason, sha256: toHex(nodeHashes.sha256(content)) };
}
