import { fromUtf8 } from '../kernel/bytes.ts';
import { LEAF_TYPES, type Leaf } from '../kernel/leaf.ts';
import { LEVELS } from '../kernel/levels.ts';
import type { MinuteCounter } from './minute-counter.ts';

/** Counts a leaf that stands on the disk as the writer counted it when it staged it. */
export function countLeaf(minutes: MinuteCounter, leaf: Leaf): void {
  if (leaf.type === LEAF_TYPES.minuteSummary) {
    minutes.close();
    return;
  }
  minutes.countLeaves(leaf.seq, 1, leaf.timeNs);
  if (leaf.type !== LEAF_TYPES.event) return;
  const { level, tenant } = JSON.parse(fromUtf8(leaf.payload)) as { level?: string; tenant?: string };
  minutes.countEvents({
    payloads: new Uint8Array(0),
    ends: new Uint32Array(1),
    levels: Uint8Array.of(LEVELS.findIndex((name) => name === (level ?? 'none'))),
    tenants: Uint16Array.of(tenant === undefined ? 0 : 1),
    tenantNames: tenant === undefined ? [] : [tenant],
  });
}
