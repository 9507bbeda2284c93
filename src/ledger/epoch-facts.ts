import { fromHex, fromUtf8 } from '../kernel/bytes.ts';
import { EPOCH_POLICY_SEAL } from '../kernel/epoch.ts';
import { LEAF_TYPES, type Leaf } from '../kernel/leaf.ts';

/** The epochs whose MAC keys descend from one root key. */
export interface Lineage {
  readonly firstEpoch: number;
  /** Commitment to its root key; undefined for the first one, whose commitment stands in the genesis. */
  readonly commitment: Uint8Array | undefined;
}

/** What the leaves alone say of the running epoch: the one that the next leaf will have. */
export interface EpochFacts {
  readonly epoch: number;
  /** False in ledgers made before sealing existed, until a config leaf begins it. */
  readonly isSealing: boolean;
  /** The first leaf that the epoch has or will have. */
  readonly firstSeq: number;
  /** Header time of the seal before it, of the genesis leaf for epoch 0. */
  readonly openedNs: bigint;
  /** It holds a leaf that is no minute-summary. */
  readonly isActive: boolean;
  /** The leaf before it is a seal that says `final`. */
  readonly isAfterFinalSeal: boolean;
  /** Commitment to the next lineage's root key, while the last leaf is a key-rotate. */
  readonly rotation: Uint8Array | undefined;
  /** The lineages of keys so far, the running one last. */
  readonly lineages: readonly Lineage[];
}

/** Before the genesis leaf. */
export function firstEpochFacts(isSealing: boolean): EpochFacts {
  return {
    epoch: 0,
    isSealing,
    firstSeq: 0,
    openedNs: 0n,
    isActive: false,
    isAfterFinalSeal: false,
    rotation: undefined,
    lineages: [{ firstEpoch: 0, commitment: undefined }],
  };
}

/** The epoch that a seal opens. */
export function openedEpochFacts(before: EpochFacts, seal: { seq: number; timeNs: bigint; isFinal: boolean }): EpochFacts {
  const epoch = before.epoch + 1;
  return {
    epoch,
    isSealing: true,
    firstSeq: seal.seq + 1,
    openedNs: seal.timeNs,
    isActive: false,
    isAfterFinalSeal: seal.isFinal,
    rotation: undefined,
    lineages: before.rotation === undefined ? before.lineages : [...before.lineages, { firstEpoch: epoch, commitment: before.rotation }],
  };
}

/** The facts after one more leaf; the very same object where the leaf says nothing about epochs. */
export function factsAfter(facts: EpochFacts, leaf: Leaf): EpochFacts {
  if (leaf.type === LEAF_TYPES.epochSeal) {
    const isFinal = fromUtf8(leaf.payload).includes('"final":true');
    return openedEpochFacts(facts, { seq: leaf.seq, timeNs: leaf.timeNs, isFinal });
  }
  if (leaf.type === LEAF_TYPES.genesis) return { ...facts, openedNs: leaf.timeNs, isActive: true };
  if (leaf.type === LEAF_TYPES.keyRotate) return { ...facts, isActive: true, rotation: fromHex(textField(leaf, 'keyCommitment') ?? '') };
  if (beginsSealing(leaf)) return { ...facts, isSealing: true, isActive: true, rotation: undefined };
  if (leaf.type === LEAF_TYPES.minuteSummary || (facts.isActive && facts.rotation === undefined)) return facts;
  return { ...facts, isActive: true, rotation: undefined };
}

/** The config leaf by which an older ledger begins to seal. */
export function beginsSealing(leaf: Leaf): boolean {
  return leaf.type === LEAF_TYPES.config && textField(leaf, 'epochPolicy') === EPOCH_POLICY_SEAL;
}

/** A text field of a record; undefined when it is not there. The leaf's MAC or the signed root has been or will be checked. */
export function textField(leaf: Leaf, name: string): string | undefined {
  try {
    const value = (JSON.parse(fromUtf8(leaf.payload)) as Record<string, unknown> | null)?.[name];
    return typeof value === 'string' ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return undefined;
    throw error;
  }
}
