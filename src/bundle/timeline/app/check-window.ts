import type { EnvelopeHead } from '../envelope.ts';
import type { EntryLine } from './entry-line.ts';
import type { Stage } from './stage.ts';

interface Ordered {
  /** True when the first of `entries` stands before the window. */
  readonly before: boolean;
  /** Before-edge, the window's entries, after-edge; undefined where a line cannot be read. */
  readonly entries: readonly (EntryLine | undefined)[];
  readonly edges: number;
}

const LABEL = 'Window';

/** Nothing of the window is left out: the numbered entry before it is earlier, the one after it later, or the ledger ends there. */
export function checkWindow(head: EnvelopeHead, { before, entries, edges }: Ordered): Stage {
  const [fromMs, toMs] = [Date.parse(head.from), Date.parse(head.to)];
  if (Number.isNaN(fromMs) || Number.isNaN(toMs)) return bad('its bounds are not times');
  const hasAfter = edges > (before ? 1 : 0);
  if (edges > (before ? 2 : 1)) return bad('there are more entries around it than its two edges');
  const receivedMs = entries.map((entry) => (entry === undefined ? undefined : Number(entry.head.timeNs / 1_000_000n)));
  const inside = receivedMs.slice(before ? 1 : 0, hasAfter ? -1 : undefined);
  if (inside.some((ms) => ms !== undefined && (ms < fromMs || ms > toMs))) return bad('an entry lies outside it');
  if (before && (receivedMs[0] ?? Infinity) > fromMs) return bad('the entry before it is not earlier');
  if (!before && head.proof.first !== 0) return bad('the entry before it is missing');
  if (hasAfter && (receivedMs.at(-1) ?? -Infinity) < toMs) return bad('the entry after it is not later');
  if (!hasAfter && head.proof.first + entries.length !== head.proof.size) return bad('the entry after it is missing');
  const left = before ? 'the entry before it is earlier' : 'the ledger begins inside it';
  const right = hasAfter ? 'the entry after it is later' : 'it reaches to the end of the signed ledger';
  return { label: LABEL, outcome: 'good', text: `complete, no entry of it is left out: ${left}, and ${right}` };
}

function bad(text: string): Stage {
  return { label: LABEL, outcome: 'bad', text };
}
