import type { Json } from '../kernel/canonical-json.ts';
import type { EventBatch } from '../kernel/event-batch.ts';
import { LEVELS } from '../kernel/levels.ts';

const MINUTE_NS = 60_000_000_000n;
/** A summary names at most this many tenants, so that its payload always fits a leaf; the rest are counted together. */
const TENANTS_NAMED_MAX = 64;

export interface MinuteCounts {
  readonly minute: number;
  readonly firstSeq: number;
  lastSeq: number;
  leaves: number;
  readonly levels: number[];
  readonly tenants: Map<string, number>;
  tenantsOther: number;
}

export type MinuteMark = MinuteCounts | undefined;

export function minuteOf(timeNs: bigint): number {
  return Number(timeNs / MINUTE_NS);
}

export function minuteStartNs(minute: number): bigint {
  return BigInt(minute) * MINUTE_NS;
}

/** Counts leaves (other than minute summaries) by minute, level and tenant until a later minute begins. */
export class MinuteCounter {
  #counts: MinuteMark;

  /** Payload of the summary that has to stand before a leaf timed `timeNs`; undefined while its minute goes on. */
  due(timeNs: bigint): Json | undefined {
    const counts = this.#counts;
    return counts === undefined || minuteOf(timeNs) <= counts.minute ? undefined : summaryPayload(counts);
  }

  /** The summary is staged: the next leaf opens its own minute. */
  close(): void {
    this.#counts = undefined;
  }

  /** Counts `leaves` leaves from `firstSeq` on, all timed `timeNs`. */
  countLeaves(firstSeq: number, leaves: number, timeNs: bigint): void {
    if (leaves === 0) return;
    const counts = (this.#counts ??= {
      minute: minuteOf(timeNs),
      firstSeq,
      lastSeq: firstSeq,
      leaves: 0,
      levels: LEVELS.map(() => 0),
      tenants: new Map(),
      tenantsOther: 0,
    });
    counts.lastSeq = firstSeq + leaves - 1;
    counts.leaves += leaves;
  }

  /** Levels and tenants of the events [from, to) of a batch, whose leaves have been counted. */
  countEvents(batch: EventBatch, from = 0, to = batch.ends.length): void {
    const counts = this.#counts;
    if (counts === undefined) return;
    const byTenant = new Uint32Array(batch.tenantNames.length + 1);
    for (let i = from; i < to; i++) {
      counts.levels[batch.levels[i]]++;
      byTenant[batch.tenants[i]]++;
    }
    batch.tenantNames.forEach((tenant, index) => this.#countTenant(tenant, byTenant[index + 1]));
  }

  #countTenant(tenant: string, events: number): void {
    const counts = this.#counts;
    if (counts === undefined || events === 0) return;
    const known = counts.tenants.get(tenant);
    if (known !== undefined || counts.tenants.size < TENANTS_NAMED_MAX) counts.tenants.set(tenant, (known ?? 0) + events);
    else counts.tenantsOther += events;
  }

  mark(): MinuteMark {
    return copyOf(this.#counts);
  }

  /** Goes on from a copy: several counters may begin at the same mark, as a start and the index it makes do. */
  reset(mark: MinuteMark): void {
    this.#counts = copyOf(mark);
  }
}

function copyOf(counts: MinuteMark): MinuteMark {
  return counts === undefined ? undefined : { ...counts, levels: [...counts.levels], tenants: new Map(counts.tenants) };
}

/** Payload of the summary that closes the counted minute. */
export function summaryPayload(counts: MinuteCounts): Json {
  return {
    minute: counts.minute,
    firstSeq: counts.firstSeq,
    lastSeq: counts.lastSeq,
    leaves: counts.leaves,
    levels: Object.fromEntries(LEVELS.map((level, code) => [level, counts.levels[code]] as const).filter(([, events]) => events > 0)),
    tenants: Object.fromEntries(counts.tenants),
    tenantsOther: counts.tenantsOther,
  };
}

/** Counts as a summary states them → counts to go on with; undefined when they are none. */
export function parseMinuteCounts(value: unknown): MinuteCounts | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { minute, firstSeq, lastSeq, leaves, levels, tenants, tenantsOther } = value as Readonly<Record<string, unknown>>;
  if (!isCount(minute) || !isCount(firstSeq) || !isCount(lastSeq) || !isCount(leaves) || !isCount(tenantsOther)) return undefined;
  const byLevel = parseCounts(levels);
  const byTenant = parseCounts(tenants);
  if (lastSeq - firstSeq + 1 !== leaves || byLevel === undefined || byTenant === undefined) return undefined;
  if (byTenant.size > TENANTS_NAMED_MAX || [...byLevel.keys()].some((name) => !LEVELS.some((level) => level === name))) return undefined;
  return { minute, firstSeq, lastSeq, leaves, levels: LEVELS.map((level) => byLevel.get(level) ?? 0), tenants: byTenant, tenantsOther };
}

function parseCounts(value: unknown): Map<string, number> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const counts = new Map<string, number>();
  for (const [name, count] of Object.entries(value)) {
    if (!isCount(count)) return undefined;
    counts.set(name, count);
  }
  return counts;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
