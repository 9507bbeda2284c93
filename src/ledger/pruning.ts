import type { Json } from '../kernel/canonical-json.ts';
import { fromUtf8 } from '../kernel/bytes.ts';
import { LEAF_TYPES, type Leaf } from '../kernel/leaf.ts';

/** Leaves that retention removed, or is about to: whole segments behind the first. */
export interface Pruning {
  /** First leaf that is gone: the end of the first segment, or of the pruning before. */
  readonly from: number;
  /** First leaf behind them that stays. */
  readonly before: number;
  /** Where they were archived; empty when nowhere. */
  readonly archive: string;
}

/** Payload of the config leaf that is durable before the first file goes. */
export function pruningPayload({ from, before, archive }: Pruning): Json {
  return { archive, pruned: { before, from } };
}

/** The pruning that a leaf states; undefined when it speaks of something else. */
export function parsePruning(leaf: Leaf): Pruning | undefined {
  if (leaf.type !== LEAF_TYPES.config) return undefined;
  const { archive, pruned } = JSON.parse(fromUtf8(leaf.payload)) as { archive?: unknown; pruned?: { from?: unknown; before?: unknown } };
  if (typeof archive !== 'string' || typeof pruned !== 'object') return undefined;
  const { from, before } = pruned;
  return typeof from === 'number' && typeof before === 'number' && from < before ? { from, before, archive } : undefined;
}
