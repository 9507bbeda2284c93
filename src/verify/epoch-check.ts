import { EPOCH_LEAVES_MAX, epochKeyName } from '../kernel/epoch.ts';
import { canonicalJson, type Json } from '../kernel/canonical-json.ts';
import { LEAF_TYPES } from '../kernel/leaf.ts';
import { tryVerifierKey } from './genesis.ts';
import type { LeafFault } from './leaf-check.ts';
import { lastTimeNs, type EpochState, type SegmentState } from './segment-state.ts';

/** An epoch is sealed after EPOCH_LEAVES_MAX leaves; a request that was being staged may still come before its seal. */
const EPOCH_LEAVES_TOLERATED = EPOCH_LEAVES_MAX + 65_536;
/**
 * An epoch with leaves is sealed after a second, so that its leaves lie in two minutes at most. A machine that sleeps or whose clock
 * jumps right then adds one each time; nobody is that unlucky so often within one epoch.
 */
const MINUTES_OPEN_MAX = 8;

type Fields = { readonly [key: string]: Json | undefined };

/** Fields whose shape has been checked are texts or numbers. */
function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : canonicalJson(value ?? null);
}

/** The first thing wrong about the epoch in a leaf's header. */
export function epochFault(state: EpochState, epoch: number, type: number): LeafFault | undefined {
  if (epoch >= state.min && epoch <= state.max) return undefined;
  const expected = `epoch ${state.min}`;
  if (epoch > state.max) return { expected, found: `epoch ${epoch}, without a seal of epoch ${state.max}` };
  const isSeal = type === LEAF_TYPES.epochSeal && epoch === state.min - 1;
  return { expected, found: isSeal ? `a second seal of epoch ${epoch}` : `epoch ${epoch}, which was sealed before` };
}

/** The first thing wrong about a leaf's place in its epoch; `payload` is that of one of our own records, whose shape is right. */
export function sealingFault(state: SegmentState, type: number, epoch: number, payload: Json | undefined): LeafFault | undefined {
  const { rotation } = state.epoch;
  if (rotation !== undefined && type !== LEAF_TYPES.epochSeal && type !== LEAF_TYPES.minuteSummary) {
    return { expected: 'a seal after a key-rotate leaf', found: `a leaf of type ${type}` };
  }
  const fields = payload as Fields;
  if (type === LEAF_TYPES.epochSeal) return sealFault(state, epoch, fields);
  if (type === LEAF_TYPES.keyRotate) {
    if (state.epoch.isSealing === false) return NOT_SEALING;
    const isNext = fields.firstEpoch === epoch + 1;
    return isNext ? undefined : { expected: `a rotation from epoch ${epoch + 1} on`, found: `one from ${textOf(fields.firstEpoch)} on` };
  }
  if (type === LEAF_TYPES.config) return configFault(state, fields);
  return undefined;
}

const NOT_SEALING: LeafFault = { expected: 'no seals or rotations in a ledger that does not seal', found: 'one' };

function sealFault(state: SegmentState, epoch: number, seal: Fields): LeafFault | undefined {
  const { seq, epoch: running } = state;
  if (running.isSealing === false) return NOT_SEALING;
  const wrong = (name: string, value: string | number): LeafFault => ({
    expected: `a seal that states ${name} ${value}`,
    found: textOf(seal[name]).slice(0, 200),
  });
  if (seal.epoch !== epoch) return wrong('epoch', epoch);
  const firstSeq = running.firstSeq ?? Number(seal.firstSeq);
  if (seal.firstSeq !== firstSeq) return wrong('firstSeq', firstSeq);
  if (seal.count !== seq - firstSeq) return wrong('count', seq - firstSeq);
  if (running.openedNs !== undefined && seal.openedNs !== String(running.openedNs)) return wrong('openedNs', String(running.openedNs));
  if (state.isChained) {
    const macs = [state.previousMac, state.previousMacExpected].filter((mac) => mac !== undefined).map(toHexText);
    if (!macs.includes(textOf(seal.lastMac))) return wrong('lastMac', macs[0]);
  }
  const keyFault = epochKeyFault(running.origin, epoch + 1, seal.nextEpochKey);
  if (keyFault !== undefined) return keyFault;
  const before = running.lastSeal;
  const isSameBoot = before !== undefined && before.bootId === seal.bootId && before.bootId !== 'unknown';
  return isSameBoot && BigInt(textOf(seal.monotonicNs)) < before.monotonicNs
    ? wrong('monotonicNs', `${before.monotonicNs} or more`)
    : undefined;
}

function epochKeyFault(origin: string | undefined, epoch: number, text: Json | undefined): LeafFault | undefined {
  const name = tryVerifierKey(text)?.name;
  const isRight = origin === undefined ? name?.endsWith(epochKeyName('', epoch)) === true : name === epochKeyName(origin, epoch);
  if (isRight) return undefined;
  return {
    expected: `the verifier key of epoch ${epoch}`,
    found: name === undefined ? 'no verifier key' : `that of "${name.slice(0, 64)}"`,
  };
}

function configFault({ seq, epoch }: SegmentState, fields: Fields): LeafFault | undefined {
  if (fields.pruned !== undefined) {
    const { before, from } = fields.pruned as { before: number; from: number };
    if (epoch.prunedTo !== undefined && epoch.prunedTo !== from) {
      return { expected: `leaves pruned from ${epoch.prunedTo} on`, found: `from ${from} on` };
    }
    return from < before && before <= seq ? undefined : { expected: 'leaves pruned that lie before', found: `${from} to ${before}` };
  }
  if (epoch.isSealing === true) return { expected: 'one begin of sealing', found: 'another' };
  return epochKeyFault(epoch.origin, 0, fields.epochKey);
}

/** Takes a sound leaf. Answers what is wrong with the epoch as a whole when this leaf made it so. */
export function acceptEpoch(state: SegmentState, type: number, epoch: number, payload: Json | undefined): LeafFault | undefined {
  const running = state.epoch;
  const fields = payload as Fields;
  if (running.min !== running.max) settleEpoch(running, epoch);
  if (type === LEAF_TYPES.epochSeal) {
    takeSeal(state, epoch, fields);
    return undefined;
  }
  if (type === LEAF_TYPES.genesis) {
    running.origin = textOf(fields.origin);
    running.isSealing = fields.epochPolicy === 'seal/v1';
    running.openedNs = lastTimeNs(state);
    if (running.isSealing) beginSealing(state, fields);
  } else if (type === LEAF_TYPES.keyRotate) {
    running.rotation = { firstEpoch: Number(fields.firstEpoch), keyCommitment: textOf(fields.keyCommitment) };
  } else if (type === LEAF_TYPES.config) acceptConfig(state, fields);
  if (running.isSealing !== true) return undefined;
  if (type !== LEAF_TYPES.minuteSummary) running.minutesOpen = Math.max(running.minutesOpen, 0);
  else if (running.minutesOpen >= 0) running.minutesOpen++;
  const isTooLong = type === LEAF_TYPES.minuteSummary && running.minutesOpen === MINUTES_OPEN_MAX;
  const isTooMany =
    running.firstSeq !== undefined && state.seq - Math.max(running.firstSeq, running.sealingFrom ?? 0) === EPOCH_LEAVES_TOLERATED;
  if (!isTooLong && !isTooMany) return undefined;
  const found = isTooLong ? `none for ${MINUTES_OPEN_MAX} minutes with leaves` : `none after ${EPOCH_LEAVES_TOLERATED} leaves`;
  return { expected: `a seal of epoch ${epoch}: this ledger seals its epochs`, found, verdict: 'DOWNGRADE' };
}

/** Takes `count` sound events of the running epoch at once; false when `acceptEpoch` would find something wrong with one of them. */
export function acceptEpochEvents({ seq, epoch: running }: SegmentState, count: number): boolean {
  if (running.isSealing !== true) return true;
  running.minutesOpen = Math.max(running.minutesOpen, 0);
  if (running.firstSeq === undefined) return true;
  const tooMany = Math.max(running.firstSeq, running.sealingFrom ?? 0) + EPOCH_LEAVES_TOLERATED;
  return tooMany < seq || tooMany >= seq + count;
}

/** After damage: which epoch it was that went on. */
function settleEpoch(running: EpochState, epoch: number): void {
  if (epoch > running.min) forgetEpoch(running);
  running.min = epoch;
  running.max = epoch;
}

function takeSeal(state: SegmentState, epoch: number, fields: Fields): void {
  const running = state.epoch;
  const timeNs = lastTimeNs(state);
  running.lastSeal = {
    seq: state.seq,
    epoch,
    timeNs,
    monotonicNs: BigInt(textOf(fields.monotonicNs)),
    bootId: textOf(fields.bootId),
    isFinal: fields.final === true,
  };
  running.isSealing = true;
  running.min = epoch + 1;
  running.max = epoch + 1;
  running.firstSeq = state.seq + 1;
  running.openedNs = timeNs;
  running.verifierKey = textOf(fields.nextEpochKey);
  running.rotation = undefined;
  running.minutesOpen = -1;
}

function beginSealing(state: SegmentState, fields: Fields): void {
  state.epoch.isSealing = true;
  state.epoch.sealingFrom = state.seq;
  state.epoch.verifierKey = textOf(fields.epochKey);
  state.epoch.minutesOpen = -1;
}

function acceptConfig(state: SegmentState, fields: Fields): void {
  if (fields.pruned === undefined) return beginSealing(state, fields);
  const { before, from } = fields.pruned as { before: number; from: number };
  state.epoch.prunedFrom ??= from;
  state.epoch.prunedTo = before;
}

/** `leaves` leaves were damaged or are missing: up to as many seals may have been among them. */
export function spoilEpoch({ epoch }: SegmentState, leaves: number): void {
  epoch.rotation = undefined;
  if (epoch.isSealing !== false) epoch.max += leaves;
}

function forgetEpoch(running: EpochState): void {
  running.firstSeq = undefined;
  running.openedNs = undefined;
  running.verifierKey = undefined;
  running.lastSeal = undefined;
  running.minutesOpen = -1;
}

/** Leaves are missing, so that nothing is known of the running epoch but that it is not before. */
export function loseEpoch(state: SegmentState, leaves: number): void {
  spoilEpoch(state, leaves);
  forgetEpoch(state.epoch);
}

/** Removed leaves, up to which `epoch` runs: of the running epoch and of the begin of sealing only what follows can tell. */
export function passPrunedEpochs({ epoch: running }: SegmentState, epoch: number): void {
  forgetEpoch(running);
  running.rotation = undefined;
  running.min = epoch;
  running.max = epoch;
  if (epoch > 0) running.isSealing = true;
  else if (running.isSealing === false) running.isSealing = undefined;
}

function toHexText(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString('hex');
}
