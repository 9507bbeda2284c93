import { concat, fromBase64, fromUtf8, utf8, writeU16, writeU32, writeU64BigInt } from '../../../kernel/bytes.ts';
import { FLAG_REQUEST_TAG, LEAF_HEADER_BYTES, LEAF_MAC_BYTES, LEAF_TYPES, LEAF_VERSION, REQUEST_TAG_BYTES } from '../../../kernel/leaf.ts';

/** What stands before the payload in one line of logs/events.ndjson. Nothing of it is believed before the leaf hash is checked. */
export interface LineHead {
  readonly seq: number;
  /** Leaf type code. */
  readonly type: number;
  readonly typeName: string;
  readonly time: string;
  readonly timeNs: bigint;
  readonly flags: number;
  readonly epoch: number;
  readonly mac: string;
  readonly leafHash: string;
  readonly request: string | undefined;
}

export interface EntryLine {
  readonly head: LineHead;
  /** Payload exactly as it stands in the line: the bytes that were hashed. */
  readonly payloadText: string;
}

export class EntryLineError extends Error {}

const PAYLOAD_KEY = '"payload":';
const U64_MAX = 2n ** 64n - 1n;

/** One NDJSON line → head and verbatim payload, or throws EntryLineError. The payload is the last field; no text before it can hold its key. */
export function parseEntryLine(line: string): EntryLine {
  const at = line.indexOf(PAYLOAD_KEY);
  if (at < 0 || !line.endsWith('}')) throw new EntryLineError('the line has no payload');
  let raw: Record<string, unknown>;
  try {
    raw = JSON.parse(`${line.slice(0, at)}"payload":0}`) as Record<string, unknown>;
  } catch {
    throw new EntryLineError('the line is not JSON');
  }
  return { head: toHead(raw), payloadText: line.slice(at + PAYLOAD_KEY.length, -1) };
}

function toHead(raw: Record<string, unknown>): LineHead {
  const typeName = text(raw, 'type');
  const timeNs = text(raw, 'timeNs');
  if (!/^\d{1,20}$/.test(timeNs) || BigInt(timeNs) > U64_MAX) throw new EntryLineError('"timeNs" is not a 64-bit number');
  return {
    seq: integer(raw, 'seq', Number.MAX_SAFE_INTEGER),
    type: typeCode(typeName),
    typeName,
    time: text(raw, 'time'),
    timeNs: BigInt(timeNs),
    flags: integer(raw, 'flags', 0xffff),
    epoch: integer(raw, 'epoch', 0xffff_ffff),
    mac: text(raw, 'mac'),
    leafHash: text(raw, 'leafHash'),
    request: raw['request'] === undefined ? undefined : text(raw, 'request'),
  };
}

function text(raw: Record<string, unknown>, key: string): string {
  const value = raw[key];
  if (typeof value !== 'string') throw new EntryLineError(`"${key}" is not text`);
  return value;
}

function integer(raw: Record<string, unknown>, key: string, max: number): number {
  const value = raw[key];
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > max) {
    throw new EntryLineError(`"${key}" is not a number from 0 to ${max}`);
  }
  return value;
}

const CODES = new Map(Object.entries(LEAF_TYPES).map(([name, code]) => [toKebab(name), code as number]));

/** Types are written as in docs/formats/ledger.md ("minute-summary"); a type this page does not know is its number ("17"). */
function typeCode(name: string): number {
  const code = CODES.get(name) ?? (/^\d{1,3}$/.test(name) ? Number(name) : -1);
  if (code < 0 || code > 0xff) throw new EntryLineError(`"type" is unknown: "${name}"`);
  return code;
}

function toKebab(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** The leaf as it was hashed into the tree: header ‖ [request tag ‖] payload ‖ mac (docs/formats/ledger.md). */
export function rebuildLeaf({ head, payloadText }: EntryLine): Uint8Array {
  const header = new Uint8Array(LEAF_HEADER_BYTES);
  header[0] = LEAF_VERSION;
  header[1] = head.type;
  writeU16(header, 2, head.flags);
  writeU64BigInt(header, 4, BigInt(head.seq));
  writeU32(header, 12, head.epoch);
  writeU64BigInt(header, 16, head.timeNs);
  const mac = bytesOf(head.mac, 'mac', LEAF_MAC_BYTES);
  const isTagged = (head.flags & FLAG_REQUEST_TAG) !== 0;
  if (isTagged !== (head.request !== undefined)) throw new EntryLineError('flags and "request" disagree');
  const tag = head.request === undefined ? new Uint8Array(0) : bytesOf(head.request, 'request', REQUEST_TAG_BYTES);
  const payload = utf8(payloadText);
  // A lone surrogate would be replaced on encoding, so that two texts gave the same bytes.
  if (fromUtf8(payload) !== payloadText) throw new EntryLineError('the payload is not well-formed text');
  return concat(header, tag, payload, mac);
}

function bytesOf(base64: string, key: string, length: number): Uint8Array {
  const bytes = fromBase64(base64);
  if (bytes === undefined || bytes.length !== length) throw new EntryLineError(`"${key}" is not ${length} bytes of base64`);
  return bytes;
}
