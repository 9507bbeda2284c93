import { formatTimeNs } from '../../format.ts';
import type { EnvelopeHead } from '../envelope.ts';
import type { EntryLine } from './entry-line.ts';
import type { Stage } from './stage.ts';

interface Run {
  /** True when the first of `entries` stands before the window. */
  readonly hasBefore: boolean;
  /** Before-edge, the window's entries, after-edge; undefined where a line cannot be read. */
  readonly entries: readonly (EntryLine | undefined)[];
  readonly edges: number;
}

const LABEL = 'Window';

/**
 * Nothing of the window [from, to) is left out: the entry before it is earlier, or the ledger begins inside it; the entry after it,
 * the last of the signed tree, is not earlier than `to`.
 */
export function checkWindow(head: EnvelopeHead, { hasBefore, entries, edges }: Run): Stage {
  const [from, to] = [parseTimeNs(head.from), parseTimeNs(head.to)];
  if (from === undefined || to === undefined || from > to) return bad('its bounds are not two times');
  if (edges !== (hasBefore ? 2 : 1)) return bad('its two edges are not there');
  if (!hasBefore && head.proof.first !== 0) return bad('the entry before it is missing');
  if (head.proof.first + entries.length !== head.proof.size) return bad('the entry after it is not the last of the signed ledger');
  const times = entries.map((entry) => entry?.head.timeNs);
  let previous = 0n;
  for (const [i, time] of times.entries()) {
    // An entry that cannot be read is damage of its own.
    if (time === undefined) continue;
    if (time < previous) return bad(`entry ${head.proof.first + i} is earlier than the one before it`);
    previous = time;
    const isBefore = hasBefore && i === 0;
    const isAfter = i === times.length - 1;
    if (isBefore && time >= from) return bad('the entry before it is not earlier');
    if (isAfter && time < to) return bad('the entry after it is not later');
    if (!isBefore && !isAfter && (time < from || time >= to)) return bad(`entry ${head.proof.first + i} lies outside it`);
  }
  const left = hasBefore ? 'the entry before it is earlier' : 'the ledger begins inside it';
  return { label: LABEL, outcome: 'good', text: `complete, no entry of it is left out: ${left}, and the entry after it is later` };
}

/** `YYYY-MM-DDTHH:MM:SS.nnnnnnnnnZ` → nanoseconds; undefined for any other spelling. */
function parseTimeNs(text: string): bigint | undefined {
  const seconds = Date.parse(`${text.slice(0, 19)}Z`);
  const fraction = /^\.(\d{9})Z$/.exec(text.slice(19));
  if (Number.isNaN(seconds) || seconds < 0 || fraction === null) return undefined;
  const timeNs = BigInt(seconds) * 1_000_000n + BigInt(fraction[1]);
  return formatTimeNs(timeNs) === text ? timeNs : undefined;
}

function bad(text: string): Stage {
  return { label: LABEL, outcome: 'bad', text };
}
