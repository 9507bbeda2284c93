import { fromHex, fromUtf8 } from '../kernel/bytes.ts';
import { EPOCH_POLICY_SEAL } from '../kernel/epoch.ts';
import { LEAF_TYPES, type Leaf } from '../kernel/leaf.ts';
import type { EpochKeys } from './epoch-keys.ts';
import type { LedgerIdentity } from './ports.ts';

/** The epochs whose MAC keys descend from one root key. */
export interface Lineage {
  readonly firstEpoch: number;
  /** Commitment to its root key; undefined for the first one, whose commitment stands in the genesis. */
  readonly commitment: Uint8Array | undefined;
}

/** The running epoch: the one that the next leaf will have. Immutable, so that a mark is a reference. */
export interface EpochState {
  readonly epoch: number;
  /** Secrets of the running epoch; while a start passes over sealed epochs, whose keys are gone, those of a later one. */
  readonly keys: EpochKeys;
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
  /** The lineages of keys that were walked over so far, the running one last. */
  readonly lineages: readonly Lineage[];
  /**
   * Where the ledger announces the public half of an epoch whose secrets we hold, and it is another: either these are not its keys, or
   * that entry was changed. The signed root tells which, so it is only noted here.
   */
  readonly mismatch: string | undefined;
}

/** Before the genesis leaf. */
export function firstEpochState(keys: EpochKeys, isSealing: boolean): EpochState {
  return {
    epoch: 0,
    keys,
    isSealing,
    firstSeq: 0,
    openedNs: 0n,
    isActive: false,
    isAfterFinalSeal: false,
    rotation: undefined,
    lineages: [{ firstEpoch: 0, commitment: undefined }],
    mismatch: undefined,
  };
}

/** The epoch that a seal opens. */
export function openEpoch(before: EpochState, keys: EpochKeys, seal: { seq: number; timeNs: bigint; isFinal: boolean }): EpochState {
  const epoch = before.epoch + 1;
  return {
    epoch,
    keys,
    isSealing: true,
    firstSeq: seal.seq + 1,
    openedNs: seal.timeNs,
    isActive: false,
    isAfterFinalSeal: seal.isFinal,
    rotation: undefined,
    lineages: before.rotation === undefined ? before.lineages : [...before.lineages, { firstEpoch: epoch, commitment: before.rotation }],
    mismatch: before.mismatch,
  };
}

/** What following the epochs of a ledger on the disk needs. */
export interface EpochSecrets {
  readonly identity: LedgerIdentity;
  /** Of epoch.key. */
  readonly loaded: EpochKeys;
  /** Of epoch.key.next. */
  readonly rotated: EpochKeys | undefined;
}

/** The epoch state after a leaf that stands on the disk and fits the chain; its secrets evolve at each seal from epoch.key's epoch on. */
export function epochAfter(state: EpochState, leaf: Leaf, secrets: EpochSecrets): EpochState {
  if (leaf.type === LEAF_TYPES.epochSeal) return afterSeal(state, leaf, secrets);
  if (leaf.type === LEAF_TYPES.genesis) return { ...state, openedNs: leaf.timeNs, isActive: true };
  if (leaf.type === LEAF_TYPES.keyRotate) {
    return { ...state, isActive: true, rotation: fromHex(textField(leaf, 'keyCommitment') ?? '') };
  }
  if (leaf.type === LEAF_TYPES.config && textField(leaf, 'epochPolicy') === EPOCH_POLICY_SEAL) return afterBeginning(state, leaf, secrets);
  const isActive = state.isActive || leaf.type !== LEAF_TYPES.minuteSummary;
  return isActive === state.isActive && state.rotation === undefined ? state : { ...state, isActive, rotation: undefined };
}

function afterSeal(state: EpochState, leaf: Leaf, secrets: EpochSecrets): EpochState {
  const { identity } = secrets;
  const keys = leaf.epoch < state.keys.epoch ? state.keys : (successor(state, secrets) ?? state.keys.next(identity.ledgerId));
  const isOurs = keys.epoch > leaf.epoch + 1 || textField(leaf, 'nextEpochKey') === keys.signer(identity).verifierKey;
  const isFinal = fromUtf8(leaf.payload).includes('"final":true');
  return withCheck(openEpoch(state, keys, { seq: leaf.seq, timeNs: leaf.timeNs, isFinal }), leaf, isOurs);
}

function afterBeginning(state: EpochState, leaf: Leaf, { identity, loaded }: EpochSecrets): EpochState {
  const isOurs = loaded.epoch > 0 || textField(leaf, 'epochKey') === loaded.signer(identity).verifierKey;
  return withCheck({ ...state, isSealing: true, isActive: true, rotation: undefined }, leaf, isOurs);
}

/** The keys of a new lineage, if they are those that were announced; without them the evolved ones will not fit, and that is noted. */
function successor({ keys, rotation }: EpochState, { identity, rotated }: EpochSecrets): EpochKeys | undefined {
  const isRotated = rotation !== undefined && rotated?.isCommittedBy(rotation, identity.ledgerId) === true;
  return isRotated ? rotated.atEpoch(keys.epoch + 1) : undefined;
}

function withCheck(state: EpochState, leaf: Leaf, isOurs: boolean): EpochState {
  if (isOurs || state.mismatch !== undefined) return state;
  return { ...state, mismatch: `entry ${leaf.seq} announces another key for epoch ${state.epoch} than epoch.key leads to` };
}

/** A text field of a record; undefined when it is not there. The leaf's MAC or the signed root has been or will be checked. */
function textField(leaf: Leaf, name: string): string | undefined {
  try {
    const value = (JSON.parse(fromUtf8(leaf.payload)) as Record<string, unknown> | null)?.[name];
    return typeof value === 'string' ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return undefined;
    throw error;
  }
}
