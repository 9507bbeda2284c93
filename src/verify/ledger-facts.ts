import { LEAF_TYPES } from '../kernel/leaf.ts';
import type { HeadContext } from './head-check.ts';
import { formatTimeNs, hexOrNull, namedCounts, type LedgerFacts } from './ledger-report.ts';
import { lastTimeNs } from './segment-state.ts';
import type { Witnessed } from './signature-check.ts';
import type { VerifyLedgerInput } from './verify-ledger.ts';

/** What the checks around the walk came to. */
export interface Outcome {
  readonly anchoredTo: number | undefined;
  readonly isBeingWritten: boolean;
  readonly isChainFollowed: boolean;
  readonly witnessed: Witnessed;
}

export function toFacts(input: VerifyLedgerInput, context: HeadContext, outcome: Outcome): LedgerFacts {
  const { inputs, watermark, walk } = context;
  const { genesis, head } = inputs;
  const [newest] = watermark.slots;
  const { firstTimeNs, countsByType, epoch } = walk.state;
  return {
    origin: genesis.verifierKey?.name ?? null,
    ledgerId: hexOrNull(inputs.ledgerId),
    verifierKey: genesis.verifierKeyText ?? null,
    size: walk.size,
    root: hexOrNull(walk.root()),
    leavesByType: namedCounts(countsByType),
    segments: inputs.segments.length,
    pruned: walk.gaps.reduce((leaves, { from, to }) => leaves + to - from, 0),
    macsChecked: context.keys.used.size > 0 ? walk.macsChecked : absenceOf(input),
    checkpointSize: head.checkpoint?.size ?? null,
    watermark: newest === undefined ? null : { generation: newest.generation, size: newest.size, slotsGood: watermark.slots.length },
    epochs: epoch.isSealing === true ? { running: epoch.min, sealedLeaves: (epoch.lastSeal?.seq ?? -1) + 1 } : null,
    isFinallySealed: epoch.lastSeal?.isFinal === true && epoch.lastSeal.seq === walk.size - 1,
    signatures: signaturesOf(context, outcome),
    witnesses: outcome.witnessed.names,
    anchoredTo: outcome.anchoredTo ?? null,
    isBeingWritten: outcome.isBeingWritten,
    firstTime: firstTimeNs === undefined ? null : formatTimeNs(firstTimeNs),
    lastTime: firstTimeNs === undefined ? null : formatTimeNs(lastTimeNs(walk.state)),
  };
}

function signaturesOf({ inputs }: HeadContext, { isChainFollowed, witnessed }: Outcome): LedgerFacts['signatures'] {
  const { checkpoint } = inputs.head;
  if (checkpoint === undefined) return null;
  if (witnessed.size === checkpoint.size) return 'witnessed';
  return isChainFollowed ? 'epoch chain' : 'log key only';
}

function absenceOf(input: VerifyLedgerInput): string {
  const given = input.hmacKeys.length + (input.epochKeys?.length ?? 0);
  return given === 0 ? (input.keyAbsence ?? 'no HMAC key was given') : 'no key that was given is this ledger’s';
}

/** What this run could not exclude, each with what it would need. */
export function toNotChecked(input: VerifyLedgerInput, context: HeadContext, outcome: Outcome): string[] {
  const { walk } = context;
  return [
    ...unkeyed(input, context),
    ...unanchored(input, context, outcome),
    ...(input.pinnedKey === undefined ? ['whether the signing key is the one you expect; --key VKEY pins it'] : []),
    ...(walk.root() === undefined ? ['the tree’s root, because leaves are missing'] : []),
    ...walk.gaps.map(
      ({ from, to }) => `leaves ${from}…${to - 1} were removed and not read: the signed root vouches for their hashes, an archive has them`,
    ),
    ...unreadAnchors(input, context),
    ...unsealed(context),
    ...witnessLeaves(context),
    ...(input.files.isArchive === true ? archived(walk.damagedLeaves) : ['the contents of ledger/quarantine']),
  ];
}

function unkeyed(input: VerifyLedgerInput, { walk, keys }: HeadContext): string[] {
  if (keys.used.size === 0) {
    return [`the MACs of ${walk.size} leaves and of the watermark (${absenceOf(input)}); --hmac-key FILE gives the key`];
  }
  const epochs = keys.unreached.map(({ from, to }) =>
    from === to
      ? `MACs of epoch ${from} not checked: needs the verification key`
      : `MACs of epochs ${from}…${to} not checked: needs the verification key`,
  );
  return walk.macsUnchained === 0 ? epochs : [...epochs, `the MACs of ${walk.macsUnchained} leaves whose predecessor is missing`];
}

function unanchored(input: VerifyLedgerInput, { walk, keys }: HeadContext, { anchoredTo, witnessed }: Outcome): string[] {
  const lines: string[] = [];
  const vouched = Math.max(anchoredTo ?? 0, witnessed.size);
  if (keys.used.size === 0 && vouched === 0) {
    lines.push(
      'whether any of this is what was first written: an intruder on the host who held log.key could have rewritten everything; ' +
        'the verification key, or a checkpoint, a receipt or a witness’s cosignature from before, would tell',
    );
  }
  if ((input.anchors ?? []).length + (input.receipts ?? []).length === 0) {
    lines.push(
      'whether this is the newest state (a rollback of the whole folder looks like this); --anchor FILE gives a checkpoint kept elsewhere',
    );
  } else if (anchoredTo !== undefined && anchoredTo < walk.size) {
    lines.push(`leaves ${anchoredTo} to ${walk.size - 1} lie after the anchor: anchored to ${anchoredTo} of ${walk.size}`);
  }
  const { length } = input.witnesses ?? [];
  if (length > witnessed.names.length) lines.push(`cosignatures: ${witnessed.names.length} of ${length} witnesses cosigned what was given`);
  return lines;
}

/** Their roots would have to be computed while the walk passes them, for sizes known only later. */
function witnessLeaves({ walk }: HeadContext): string[] {
  const leaves = walk.state.countsByType[LEAF_TYPES.witness];
  return leaves === 0 ? [] : [`the cosignatures and roots inside ${leaves} witness leaves`];
}

function archived(damagedLeaves: number): string[] {
  const lines = ['what was acknowledged after the archived size, and signatures of epochs: an archive has the log key’s alone'];
  return damagedLeaves === 0 ? lines : [...lines, 'the hash tiles, because entries are damaged'];
}

/** Roots are known at the end of each 256 of the removed leaves only. */
function unreadAnchors(input: VerifyLedgerInput, { walk }: HeadContext): string[] {
  const sizes = (input.anchors ?? []).map(({ size }) => size).filter((size) => walk.gaps.some(({ from, to }) => size > from && size < to));
  return sizes.filter((size) => !walk.roots.has(size)).map((size) => `the anchor of ${size} leaves: it ends among removed ones`);
}

/** Whoever holds the key of an epoch that is not over can rewrite its leaves. */
function unsealed({ walk }: HeadContext): string[] {
  const { epoch } = walk.state;
  if (epoch.isSealing !== true) return ['what a thief of the HMAC key could have rewritten: this ledger does not seal its keys'];
  const lines: string[] = [];
  if (epoch.sealingFrom !== undefined && epoch.sealingFrom > 0) {
    lines.push(
      `leaves 0…${epoch.sealingFrom - 1} were written before the ledger began to seal: whoever read hmac.key then could have rewritten them`,
    );
  }
  const first = (epoch.lastSeal?.seq ?? -1) + 1;
  if (first < walk.size) lines.push(`leaves ${first}…${walk.size - 1} lie in the running epoch: whoever holds its key can rewrite them`);
  return lines;
}
