import { PATHS, type Manifest } from '../bundle/format.ts';
import type { CheckedEntry } from './bundle-entries.ts';
import { parseTimeNs } from './bundle-manifest.ts';
import type { ReportBuilder } from './bundle-report.ts';
import type { RangeProof } from './bundle-tree.ts';

export interface WindowInput {
  readonly manifest: Manifest;
  readonly proof: RangeProof | undefined;
  readonly edges: readonly CheckedEntry[];
  readonly events: readonly CheckedEntry[];
}

/** Nothing of the window is left out: the entry before it is earlier, the one after it not, and the numbers have no gap. */
export function checkWindow(report: ReportBuilder, { manifest, proof, edges, events }: WindowInput): void {
  const { first, last, entries } = manifest.window;
  const [fromNs, toNs] = [parseTimeNs(manifest.window.from), parseTimeNs(manifest.window.to)];
  const inManifest = (expected: string, found: string): void => report.found('INCOMPLETE', { file: PATHS.manifest }, expected, found);
  if (fromNs === undefined || toNs === undefined || fromNs >= toNs)
    return inManifest('a window from a time to a later one', `${manifest.window.from} to ${manifest.window.to}`);
  if (manifest.createdAt !== manifest.window.to) inManifest('createdAt at the end of the window', manifest.createdAt);
  if (entries !== last - first + 1) inManifest(`${last - first + 1} entries from ${first} to ${last}`, `${entries} entries`);
  if (events.length !== entries) report.found('INCOMPLETE', { file: PATHS.events }, `${entries} entries`, `${events.length} lines`);
  checkInside(report, events, { fromNs, toNs, first });
  const runFirst = Math.max(0, first - 1);
  if (manifest.checkpoint.size !== last + 2) inManifest(`a checkpoint of ${last + 2} entries`, `one of ${manifest.checkpoint.size}`);
  if (proof !== undefined && (proof.first !== runFirst || proof.size !== last + 2)) {
    report.found(
      'INCOMPLETE',
      { file: PATHS.proof },
      `a proof from ${runFirst} to ${last + 1}`,
      `one from ${proof.first} to ${proof.size - 1}`,
    );
  }
  const expected = first === 0 ? 1 : 2;
  if (edges.length !== expected)
    return report.found('INCOMPLETE', { file: PATHS.edges }, `${expected} entries around the window`, `${edges.length} lines`);
  const [before, after] = [first === 0 ? undefined : edges[0].leaf, edges[expected - 1].leaf];
  const isBefore = first === 0 || (before !== undefined && before.seq === first - 1 && before.timeNs < fromNs);
  if (!isBefore)
    report.found(
      'INCOMPLETE',
      { file: PATHS.edges, seqFirst: first - 1, seqLast: first - 1 },
      `entry ${first - 1}, before the window begins`,
      'no proof of where it begins',
    );
  const isAfter = after !== undefined && after.seq === last + 1 && after.timeNs >= toNs;
  if (!isAfter)
    report.found(
      'INCOMPLETE',
      { file: PATHS.edges, seqFirst: last + 1, seqLast: last + 1 },
      `entry ${last + 1}, not before the window ends`,
      'no proof of where it ends',
    );
}

function checkInside(
  report: ReportBuilder,
  events: readonly CheckedEntry[],
  window: { fromNs: bigint; toNs: bigint; first: number },
): void {
  for (const [index, { leaf }] of events.entries()) {
    if (leaf === undefined) continue;
    const place = { file: PATHS.events, seqFirst: leaf.seq, seqLast: leaf.seq };
    if (leaf.timeNs < window.fromNs || leaf.timeNs >= window.toNs)
      report.found('TAMPERED', place, 'a time in the window', 'a time outside of it');
    if (index === 0 && leaf.seq !== window.first)
      report.found('INCOMPLETE', place, `entry ${window.first} at the beginning`, `entry ${leaf.seq}`);
  }
}
