import { canonicalJson, type Json } from '../kernel/canonical-json.ts';
import { LEVELS } from '../kernel/levels.ts';
import type { MinuteState } from './segment-state.ts';
import type { EventRun } from './segment-summary.ts';

/** A summary names the first 64 tenants to appear in its minute; the rest are counted together, so memory is bounded. */
const TENANTS_NAMED_MAX = 64;

/** After damage nothing is known about the running minute, nor about what closed it. */
export function spoilMinute(state: MinuteState): void {
  state.isSpoilt = true;
  state.isNextSpoilt = true;
}

/** What is wrong about a leaf of another type at this place; undefined when nothing is. Then count it. */
export function faultBeforeMinute(state: MinuteState, minute: number): string | undefined {
  const isLater = state.minute >= 0 && minute > state.minute;
  if (state.isSpoilt || isLater === state.isSummed || state.leaves === 0) return undefined;
  return isLater ? `no summary of minute ${state.minute} before it` : `a summary of minute ${state.minute} before it, which goes on`;
}

/** `level`: index into LEVELS, or −1 for a leaf that is no event. `tenant`: '' when there is none. */
export function countLeaf(state: MinuteState, seq: number, minute: number, level: number, tenant: string): void {
  countPlaces(state, seq, minute, 1);
  if (level >= 0) state.levels[level]++;
  if (tenant !== '') countTenant(state, tenant, 1);
}

/** The same for the run's events at once, the first of which is leaf `seq`. */
export function countRun(state: MinuteState, seq: number, run: EventRun): void {
  countPlaces(state, seq, run.minute, run.count);
  for (const [level, events] of run.levels.entries()) state.levels[level] += events;
  for (const [tenant, events] of run.tenants) countTenant(state, tenant, events);
}

function countPlaces(state: MinuteState, seq: number, minute: number, leaves: number): void {
  if (minute !== state.minute || state.isSummed) beginMinute(state, seq, minute);
  state.isNextSpoilt = false;
  state.lastSeq = seq + leaves - 1;
  state.leaves += leaves;
}

function countTenant(state: MinuteState, tenant: string, events: number): void {
  const known = state.tenants.get(tenant);
  if (known !== undefined || state.tenants.size < TENANTS_NAMED_MAX) state.tenants.set(tenant, (known ?? 0) + events);
  else state.tenantsOther += events;
}

/** What is wrong with a summary that stands here at `minute` of its own time; undefined when it says what the leaves say. */
export function summaryFault(state: MinuteState, summary: Json, minute: number): string | undefined {
  if (state.isSpoilt) return undefined;
  if (state.isSummed || state.leaves === 0) return 'a summary of no leaves';
  if (minute <= state.minute) return 'a summary of a minute that is not over';
  const own = canonicalJson(expectedSummary(state));
  const stated = canonicalJson(summary);
  return stated === own ? undefined : `other counts than the leaves give: ${own.slice(0, 400)}`;
}

function beginMinute(state: MinuteState, seq: number, minute: number): void {
  state.minute = minute;
  state.firstSeq = seq;
  state.leaves = 0;
  state.levels.fill(0);
  state.tenants = new Map();
  state.tenantsOther = 0;
  state.isSpoilt = state.isNextSpoilt;
  state.isSummed = false;
}

function expectedSummary(state: MinuteState): Json {
  const levels = LEVELS.map((level, code) => [level, state.levels[code]] as const).filter(([, events]) => events > 0);
  return {
    minute: state.minute,
    firstSeq: state.firstSeq,
    lastSeq: state.lastSeq,
    leaves: state.leaves,
    levels: Object.fromEntries(levels),
    tenants: Object.fromEntries([...state.tenants].map(([text, events]) => [tenantName(text), events])),
    tenantsOther: state.tenantsOther,
  };
}

/** From the payload's spelling: UTF-8 bytes of a JSON string as latin1. */
function tenantName(text: string): string {
  return JSON.parse(Buffer.from(text, 'latin1').toString()) as string;
}
