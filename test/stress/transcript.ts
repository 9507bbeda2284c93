import { createHash } from 'node:crypto';
import type { Splice } from '../../src/versions/patch.ts';

/** One step of a run, as docs/formats/versions.md describes it. */
export interface TranscriptStep {
  readonly version: number;
  readonly cause: 'put' | 'rollback';
  readonly restores?: number;
  readonly from: string;
  readonly to: string;
  readonly splices: readonly Splice[];
}

export function formatHeader(seed: number, content: Uint8Array): string {
  const initial = { bytes: content.length, sha256: createHash('sha256').update(content).digest('hex') };
  return `${JSON.stringify({ format: 'post-incident-proofs/versions-transcript/v1', seed, ...initial, content: toBase64(content) })}\n`;
}

export function formatStep({ splices, ...step }: TranscriptStep): string {
  const written = splices.map(({ at, removed, inserted }) => ({ at, removed: toBase64(removed), inserted: toBase64(inserted) }));
  return `${JSON.stringify({ ...step, splices: written })}\n`;
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
