import type { Json } from '../kernel/canonical-json.ts';
import { EPOCH_POLICY_SEAL } from '../kernel/epoch.ts';
import { LEAF_TYPES } from '../kernel/leaf.ts';
import { isLevel } from '../kernel/levels.ts';
import { genesisFault, tryVerifierKey } from './genesis.ts';

type Fields = { readonly [key: string]: Json | undefined };
type Check = (value: Json | undefined) => boolean;

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/;

const isText: Check = (value) => typeof value === 'string';
const isCount: Check = (value) => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
const isSha256: Check = (value) => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
const isTime: Check = (value) => typeof value === 'string' && TIME.test(value);
const isCounts: Check = (value) => isFields(value) && Object.values(value).every((count) => isCount(count) && count !== 0);
const isLevelCounts: Check = (value) => isCounts(value) && Object.keys(value as Fields).every(isLevel);
const isFault: Check = (value) => isFields(value) && shapeFault(value, { field: isText, line: isCount, reason: isText }) === undefined;
/** A rejected-input leaf lists the first 50 faults. */
const isFaults: Check = (value) => Array.isArray(value) && value.length <= 50 && value.every((fault: Json) => isFault(fault));

const isInteger: Check = (value) => typeof value === 'number' && Number.isSafeInteger(value);
const isDigits: Check = (value) => typeof value === 'string' && /^(0|[1-9]\d{0,19})$/.test(value);
const isBase64Hash: Check = (value) => typeof value === 'string' && /^[A-Za-z0-9+/]{43}=$/.test(value);
const isKey: Check = (value) => tryVerifierKey(value) !== undefined;
const isCountOrNull: Check = (value) => value === null || isCount(value);
const isTexts: Check = (value) => Array.isArray(value) && value.every((text: Json) => typeof text === 'string');

/** Of each limit: all denials are those of the keys named and of the others. */
const isDenials: Check = (value) =>
  isFields(value) &&
  Object.values(value).every((denials) => {
    if (!isFields(denials) || shapeFault(denials, { denied: isCount, keys: isCounts, other: isCount }) !== undefined) return false;
    const named = Object.values(denials['keys'] as Fields).reduce((sum: number, count) => sum + Number(count), 0);
    return denials['denied'] === named + Number(denials['other']);
  });

/** A field that may be left out. */
interface Optional {
  readonly optional: Check;
}
type Shape = Readonly<Record<string, Check | Optional>>;

const isOneOf =
  (...words: readonly string[]): Check =>
  (value) =>
    typeof value === 'string' && words.includes(value);

/** An artifact's version; of what is refused only the content may be known. */
const isVersion: Check = (value) => isFields(value) && shapeFault(value, { sha256: isSha256, version: isCount }) === undefined;
const isNextVersion: Check = (value) =>
  isFields(value) && shapeFault(value, { bytes: { optional: isCount }, sha256: isSha256, version: { optional: isCount } }) === undefined;

const VERSION_CHANGE: Shape = {
  action: isOneOf('put', 'rollback', 'revert', 'confirm', 'hold', 'release', 'legal-hold', 'legal-release', 'pin', 'unpin'),
  actor: { optional: isText },
  attempt: { optional: isText },
  code: { optional: isText },
  detail: { optional: isText },
  from: { optional: isVersion },
  name: isText,
  outcome: isOneOf('attempted', 'done', 'refused', 'failed'),
  reason: { optional: isText },
  recovered: { optional: (value) => value === true },
  restores: { optional: isCount },
  to: { optional: isNextVersion },
};

const PRUNED: Shape = { before: isCount, from: isCount };

/** Payloads of our own records (docs/formats/ledger.md, Payloads); every field is there unless it is optional, and no other. Some have two forms. */
const SHAPES = new Map<number, Shape | readonly Shape[]>([
  [
    LEAF_TYPES.epochSeal,
    {
      bootId: isText,
      count: isCount,
      epoch: isCount,
      final: (value) => typeof value === 'boolean',
      firstSeq: isCount,
      lastMac: isSha256,
      monotonicNs: isDigits,
      nextEpochKey: isKey,
      openedNs: isDigits,
      wallNs: isDigits,
    },
  ],
  [LEAF_TYPES.keyRotate, { firstEpoch: isCount, keyCommitment: isSha256 }],
  [LEAF_TYPES.clockStep, { monotonicNs: isDigits, stepMs: isInteger, wallNs: isDigits }],
  [
    LEAF_TYPES.config,
    [
      { epochKey: isKey, epochPolicy: (value) => value === EPOCH_POLICY_SEAL },
      { limits: isSha256 },
      { archive: isText, pruned: (value) => isFields(value) && shapeFault(value, PRUNED) === undefined },
    ],
  ],
  [
    LEAF_TYPES.tamper,
    {
      byteFirst: isCountOrNull,
      byteLast: isCountOrNull,
      detectedNs: isDigits,
      evidence: isText,
      file: isText,
      kind: isText,
      seqFirst: isCountOrNull,
      seqLast: isCountOrNull,
    },
  ],
  [
    LEAF_TYPES.witness,
    [
      { cosignatures: isTexts, size: isCount },
      { key: isKey, origin: isText, root: isBase64Hash, size: isCount },
    ],
  ],
  [LEAF_TYPES.heartbeat, { reason: isText }],
  [
    LEAF_TYPES.recovery,
    {
      action: (value) => value === 'cut' || value === 'replaced',
      bytes: isCount,
      file: isText,
      firstSeq: isCount,
      reason: isText,
      sha256: isSha256,
    },
  ],
  [LEAF_TYPES.bundle, { bytes: isCount, from: isTime, sha256: isSha256, to: isTime }],
  [
    LEAF_TYPES.minuteSummary,
    {
      firstSeq: isCount,
      lastSeq: isCount,
      leaves: isCount,
      levels: isLevelCounts,
      minute: isCount,
      tenants: isCounts,
      tenantsOther: isCount,
    },
  ],
  [LEAF_TYPES.versionChange, VERSION_CHANGE],
  [LEAF_TYPES.limiterAggregate, { denials: isDenials }],
  [LEAF_TYPES.rejectedInput, { bodySha256: isSha256, faults: isFaults, faultsTotal: isCount, rejected: isCount }],
]);

/** True when this version describes the payload of the type; all others are opaque. */
export function isDescribedRecord(type: number): boolean {
  return type === LEAF_TYPES.genesis || SHAPES.has(type);
}

/** The first thing wrong with the payload of a described record, already known to be canonical. */
export function recordFault(type: number, payload: Json): string | undefined {
  if (type === LEAF_TYPES.genesis) return genesisFault(payload);
  const shape = SHAPES.get(type);
  if (shape === undefined) return undefined;
  if (!isFields(payload)) return 'no JSON object';
  const shapes = Array.isArray(shape) ? (shape as readonly Shape[]) : [shape as Shape];
  // Of several forms the one that shares a field with the payload is meant.
  const meant = shapes.find((one) => Object.keys(one).some((name) => Object.hasOwn(payload, name))) ?? shapes[0];
  return shapeFault(payload, meant);
}

/** A config leaf that names another policy than the one there is: the only thing it could do is to end the sealing. */
export function isUnsealing(payload: Json): boolean {
  return isFields(payload) && payload.epochPolicy !== undefined && payload.epochPolicy !== EPOCH_POLICY_SEAL;
}

function isFields(value: Json | undefined): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function shapeFault(fields: Fields, shape: Shape): string | undefined {
  for (const name of Object.keys(fields))
    if (!Object.hasOwn(shape, name)) return `a field "${name.slice(0, 64)}" that the record does not have`;
  for (const [name, check] of Object.entries(shape)) {
    const isOptional = typeof check !== 'function';
    if (!Object.hasOwn(fields, name)) {
      if (isOptional) continue;
      return `no field "${name}"`;
    }
    if (!(isOptional ? check.optional : check)(fields[name])) return `something else than it should be in "${name}"`;
  }
  return undefined;
}
