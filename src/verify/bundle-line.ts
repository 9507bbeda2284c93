import { formatLeafLine, joinLeaf, parseLeafType } from '../bundle/format.ts';
import { fromBase64, fromHex, utf8 } from '../kernel/bytes.ts';
import { FLAG_REQUEST_TAG, LEAF_MAC_BYTES, LeafFormatError, parseLeaf, REQUEST_TAG_BYTES, type Leaf } from '../kernel/leaf.ts';

/** docs/formats/bundle.md, Entry lines: everything before the payload. */
const HEAD =
  /^\{"seq":(\d{1,16}),"type":"([a-z0-9-]{1,32})","time":"([^"]{30})","timeNs":"(\d{1,20})","flags":(\d{1,5}),"epoch":(\d{1,10}),"mac":"([A-Za-z0-9+/=]{44})","leafHash":"([0-9a-f]{64})"(?:,"request":"([A-Za-z0-9+/=]{88})")?,"payload(Base64)?":/;

const U64_MAX = 2n ** 64n - 1n;

/** A line that is not one of docs/formats/bundle.md, and why. */
export class LineFormatError extends Error {}

export interface EntryLine {
  readonly leaf: Leaf;
  /** As the line states it; not yet compared with the leaf. */
  readonly statedHash: Uint8Array;
}

/** Line without its line end → leaf, or throws LineFormatError. Writing the leaf again must give the same line, so there is one spelling. */
export function parseLeafLine(line: string): EntryLine {
  const match = HEAD.exec(line);
  if (match === null || !line.endsWith('}')) throw new LineFormatError('not an entry line');
  const [head, seq, label, , timeNs, flags, epoch, mac, hash, request, isBase64] = match;
  const type = parseLeafType(label);
  const text = line.slice(head.length, -1);
  const payload = isBase64 === undefined ? utf8(text) : /^"[^"]*"$/.test(text) ? fromBase64(text.slice(1, -1)) : undefined;
  const tag = request === undefined ? undefined : fromBase64(request);
  const macBytes = fromBase64(mac);
  const statedHash = fromHex(hash);
  if (type === undefined || payload === undefined || statedHash === undefined || macBytes?.length !== LEAF_MAC_BYTES) {
    throw new LineFormatError('a field of the line is not what it should be');
  }
  const header = { type, flags: Number(flags), seq: Number(seq), epoch: Number(epoch), timeNs: BigInt(timeNs) };
  // Else bytes of the tag or of the MAC would be read as payload.
  const tagBytes = (header.flags & FLAG_REQUEST_TAG) === 0 ? 0 : REQUEST_TAG_BYTES;
  if ((request === undefined ? 0 : tag?.length) !== tagBytes) {
    throw new LineFormatError('the request tag is not what the flags say');
  }
  if (header.flags > 0xffff || !Number.isSafeInteger(header.seq) || header.epoch > 0xffff_ffff || header.timeNs > U64_MAX) {
    throw new LineFormatError('a number of the line is too large');
  }
  const leaf = toLeaf(joinLeaf(header, tag, payload, macBytes));
  if (formatLeafLine(leaf, statedHash) !== line)
    throw new LineFormatError('the line is not written as its leaf is, or its fields contradict each other');
  return { leaf, statedHash };
}

function toLeaf(bytes: Uint8Array): Leaf {
  try {
    return parseLeaf(bytes);
  } catch (cause) {
    if (cause instanceof LeafFormatError) throw new LineFormatError(cause.message, { cause });
    throw cause;
  }
}
