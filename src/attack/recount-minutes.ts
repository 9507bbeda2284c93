import { canonicalJson, type Json } from '../kernel/canonical-json.ts';
import { LEAF_TYPES } from '../kernel/leaf.ts';
import type { Draft } from './draft.ts';

const MINUTE_NS = 60_000_000_000n;
/** docs/formats/ledger.md, minute-summary: that many tenants stand by name. */
const TENANTS_NAMED_MAX = 64;

/** The drafts with summaries that count what is there now: old ones are dropped, and one closes each minute before the first later leaf. */
export function recountMinutes(drafts: readonly Draft[]): Draft[] {
  const whole: Draft[] = [];
  // A summary carries a MAC that nobody may be able to make again: each keeps the one of its place in the order.
  const old = drafts.filter(({ type }) => type === LEAF_TYPES.minuteSummary);
  let run: Draft[] = [];
  for (const draft of drafts) {
    if (draft.type === LEAF_TYPES.minuteSummary) continue;
    if (run.length > 0 && draft.timeNs / MINUTE_NS > run[0].timeNs / MINUTE_NS) {
      whole.push(summaryOf(run, whole.length - run.length, draft, old.shift()?.mac ?? draft.mac));
      run = [];
    }
    run.push(draft);
    whole.push(draft);
  }
  return whole;
}

function summaryOf(run: readonly Draft[], firstSeq: number, next: Draft, mac: Uint8Array): Draft {
  const levels: Record<string, number> = {};
  const tenants = new Map<string, number>();
  let tenantsOther = 0;
  for (const { payload } of run.filter(({ type }) => type === LEAF_TYPES.event)) {
    const event = JSON.parse(Buffer.from(payload).toString('utf8')) as { level?: string; tenant?: string };
    const level = event.level ?? 'none';
    levels[level] = (levels[level] ?? 0) + 1;
    if (event.tenant === undefined) continue;
    const count = tenants.get(event.tenant);
    if (count === undefined && tenants.size >= TENANTS_NAMED_MAX) tenantsOther++;
    else tenants.set(event.tenant, (count ?? 0) + 1);
  }
  const counts: Json = {
    minute: Number(run[0].timeNs / MINUTE_NS),
    firstSeq,
    lastSeq: firstSeq + run.length - 1,
    leaves: run.length,
    levels,
    tenants: Object.fromEntries(tenants),
    tenantsOther,
  };
  const payload = Buffer.from(canonicalJson(counts));
  return { type: LEAF_TYPES.minuteSummary, flags: 1, epoch: next.epoch, timeNs: next.timeNs, tag: undefined, payload, mac };
}
