import { LEAF_TYPES, type Leaf } from '../kernel/leaf.ts';
import { beginsSealing, factsAfter, firstEpochFacts, openedEpochFacts, textField, type EpochFacts } from './epoch-facts.ts';
import type { EpochKeys } from './epoch-keys.ts';
import type { LedgerIdentity } from './ports.ts';

/** The running epoch with its secrets. Immutable, so that a mark is a reference. */
export interface EpochState extends EpochFacts {
  /** Secrets of the running epoch; while a start passes over sealed epochs, whose keys are gone, those of a later one. */
  readonly keys: EpochKeys;
  /**
   * Where the ledger announces the public half of an epoch whose secrets we hold, and it is another: either these are not its keys, or
   * that entry was changed. The signed root tells which, so it is only noted here.
   */
  readonly mismatch: string | undefined;
}

/** Before the genesis leaf. */
export function firstEpochState(keys: EpochKeys, isSealing: boolean): EpochState {
  return { ...firstEpochFacts(isSealing), keys, mismatch: undefined };
}

/** The epoch that a seal opens. */
export function openEpoch(before: EpochState, keys: EpochKeys, seal: { seq: number; timeNs: bigint; isFinal: boolean }): EpochState {
  return { ...openedEpochFacts(before, seal), keys, mismatch: before.mismatch };
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
  const facts = factsAfter(state, leaf);
  if (facts === state) return state;
  const { keys, mismatch } = state;
  if (leaf.type === LEAF_TYPES.epochSeal) return afterSeal({ ...facts, keys, mismatch }, state, leaf, secrets);
  const isOurs = !beginsSealing(leaf) || announcesFirst(leaf, secrets);
  return withCheck({ ...facts, keys, mismatch }, leaf, isOurs);
}

function afterSeal(after: EpochState, before: EpochState, leaf: Leaf, secrets: EpochSecrets): EpochState {
  const { identity } = secrets;
  const keys = leaf.epoch < before.keys.epoch ? before.keys : (successor(before, secrets) ?? before.keys.next(identity.ledgerId));
  const isOurs = keys.epoch > leaf.epoch + 1 || textField(leaf, 'nextEpochKey') === keys.signer(identity).verifierKey;
  return withCheck({ ...after, keys }, leaf, isOurs);
}

/** An older ledger that begins to seal announces the key of its epoch 0. */
function announcesFirst(leaf: Leaf, { identity, loaded }: EpochSecrets): boolean {
  return loaded.epoch > 0 || textField(leaf, 'epochKey') === loaded.signer(identity).verifierKey;
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
