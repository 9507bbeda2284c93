import { fromBase64, utf8 } from '../../../kernel/bytes.ts';
import { FLAG_REQUEST_TAG, LEAF_BYTES_MAX, LEAF_MAC_BYTES, leafTypeName, REQUEST_TAG_BYTES } from '../../../kernel/leaf.ts';
import { joinLeaf, parseLeafType } from '../../format.ts';

/** What stands before the payload in one line of logs/events.ndjson. Nothing of it is believed before the leaf hash is checked. */
export interface LineHead {
  readonly seq: number;
  /** Leaf type code. */
  readonly type: number;
  readonly typeName: string;
  readonly timeNs: bigint;
  readonly flags: number;
  readonly epoch: number;
  readonly mac: string;
  readonly leafHash: string;
  readonly request: string | undefined;
}

export interface EntryLine {
  readonly head: LineHead;
  /** Payload as it stands in the line: JSON text; for a type without a name base64. */
  readonly payloadText: string;
}

class EntryLineError extends Error {}

const PAYLOAD_KEY = /"payload(?:Base64)?":/;
const U64_MAX = 2n ** 64n - 1n;

/** One NDJSON line → head and verbatim payload, or throws EntryLineError. The payload is the last field; no field before it can hold its key. */
export function parseEntryLine(line: string): EntryLine {
  const key = PAYLOAD_KEY.exec(line);
  if (key === null || !line.endsWith('}')) throw new EntryLineError('the line has no payload');
  let raw: Record<string, unknown>;
  try {
    raw = JSON.parse(`${line.slice(0, key.index)}"payload":0}`) as Record<string, unknown>;
  } catch {
    throw new EntryLineError('the line is not JSON');
  }
  const head = toHead(raw);
  const value = line.slice(key.index + key[0].length, -1);
  return { head, payloadText: leafTypeName(head.type) === undefined ? value.slice(1, -1) : value };
}

function toHead(raw: Record<string, unknown>): LineHead {
  const typeName = text(raw, 'type');
  const type = parseLeafType(typeName);
  if (type === undefined) throw new EntryLineError(`"type" is unknown: "${typeName}"`);
  const timeNs = text(raw, 'timeNs');
  if (!/^\d{1,20}$/.test(timeNs) || BigInt(timeNs) > U64_MAX) throw new EntryLineError('"timeNs" is not a 64-bit number');
  return {
    seq: integer(raw, 'seq', Number.MAX_SAFE_INTEGER),
    type,
    typeName,
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

/** The leaf as it was hashed into the tree (docs/formats/bundle.md, "Entry lines"), or throws EntryLineError. */
export function rebuildLeaf({ head, payloadText }: EntryLine): Uint8Array {
  const isTagged = (head.flags & FLAG_REQUEST_TAG) !== 0;
  if (isTagged !== (head.request !== undefined)) throw new EntryLineError('flags and "request" disagree');
  const tag = head.request === undefined ? undefined : bytesOf(head.request, 'request', REQUEST_TAG_BYTES);
  const payload = leafTypeName(head.type) === undefined ? fromBase64(payloadText) : utf8(payloadText);
  if (payload === undefined || payload.length > LEAF_BYTES_MAX) throw new EntryLineError('the payload is no payload of a leaf');
  return joinLeaf(head, tag, payload, bytesOf(head.mac, 'mac', LEAF_MAC_BYTES));
}

function bytesOf(base64: string, key: string, length: number): Uint8Array {
  const bytes = fromBase64(base64);
  if (bytes === undefined || bytes.length !== length) throw new EntryLineError(`"${key}" is not ${length} bytes of base64`);
  return bytes;
}
