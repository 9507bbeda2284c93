import type { Json } from '../kernel/canonical-json.ts';
import { LEAF_TYPES } from '../kernel/leaf.ts';
import { isLevel } from '../kernel/levels.ts';
import { genesisFault } from './genesis.ts';

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

/** Payloads of our own records (docs/formats/ledger.md, Payloads); every field is there, and no other. */
const SHAPES = new Map<number, Readonly<Record<string, Check>>>([
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
  return isFields(payload) ? shapeFault(payload, shape) : 'no JSON object';
}

function isFields(value: Json | undefined): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function shapeFault(fields: Fields, shape: Readonly<Record<string, Check>>): string | undefined {
  for (const name of Object.keys(fields))
    if (!Object.hasOwn(shape, name)) return `a field "${name.slice(0, 64)}" that the record does not have`;
  for (const [name, check] of Object.entries(shape)) {
    if (!Object.hasOwn(fields, name)) return `no field "${name}"`;
    if (!check(fields[name])) return `something else than it should be in "${name}"`;
  }
  return undefined;
}
