/**
 * The algebra of changes, the model that everything else in this room is held to. A patch says how one content becomes another, and carries
 * what it takes away: so it can be taken back by itself, without either content.
 */

/** One step through the old content, from its beginning. What the last one leaves is copied. */
export type Op =
  /** Goes on over so many bytes that stay. */
  | { readonly kind: 'copy'; readonly length: number }
  /** Adds, removes or replaces: `removed` stands here in the old content, `inserted` in the new one. Either may be empty. */
  | { readonly kind: 'splice'; readonly removed: Uint8Array; readonly inserted: Uint8Array }
  /** Changes bytes in place: each is the exclusive or of the old and the new one. */
  | { readonly kind: 'xor'; readonly mask: Uint8Array };

/** What is known of a content without having it. `sha256`: lower-case hex. */
export interface ContentId {
  readonly sha256: string;
  readonly bytes: number;
}

export interface Patch {
  readonly from: ContentId;
  readonly to: ContentId;
  readonly ops: readonly Op[];
}

export type HashFunction = (content: Uint8Array) => string;

export type PatchFault = 'wrong-base' | 'does-not-fit' | 'wrong-result';

/** A patch that was not applied; nothing was changed. */
export class PatchRefused extends Error {
  override readonly name = 'PatchRefused';
  readonly fault: PatchFault;

  constructor(fault: PatchFault, message: string) {
    super(message);
    this.fault = fault;
  }
}

/** The new content. Throws PatchRefused when `content` is not the one that the patch is about, or the patch contradicts itself. */
export function applyPatch({ from, to, ops }: Patch, content: Uint8Array, hash: HashFunction): Uint8Array {
  if (content.length !== from.bytes || hash(content) !== from.sha256)
    throw new PatchRefused('wrong-base', `the patch is for another content than this one of ${content.length} bytes`);
  const result = applyOps(ops, content);
  if (result.length !== to.bytes || hash(result) !== to.sha256)
    throw new PatchRefused('wrong-result', 'the patch leads to another content than it says');
  return result;
}

/** Without hashes: throws PatchRefused where what an op takes away is not what stands there. */
export function applyOps(ops: readonly Op[], content: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [];
  let at = 0;
  for (const op of ops) {
    const consumed = consumes(op);
    const old = content.subarray(at, at + consumed);
    if (old.length < consumed) throw new PatchRefused('does-not-fit', `the content ends before the ${op.kind} at ${at}`);
    if (op.kind === 'splice') {
      if (!isEqual(old, op.removed)) throw new PatchRefused('does-not-fit', `other bytes stand at ${at} than were removed`);
      parts.push(op.inserted);
    } else parts.push(op.kind === 'xor' ? xorOf(old, op.mask) : old);
    at += consumed;
  }
  parts.push(content.subarray(at));
  return joined(parts);
}

/** Takes the change back: applyPatch(invert(p), applyPatch(p, content)) is content. */
export function invert({ from, to, ops }: Patch): Patch {
  return { from: to, to: from, ops: invertOps(ops) };
}

/** An exclusive or undoes itself, what was copied is copied, and a splice changes its sides. */
export function invertOps(ops: readonly Op[]): Op[] {
  return ops.map((op) => (op.kind === 'splice' ? { kind: 'splice', removed: op.inserted, inserted: op.removed } : op));
}

/** One patch for both, without any content: applyPatch(compose(p, q), content) is applyPatch(q, applyPatch(p, content)). */
export function compose(first: Patch, second: Patch): Patch {
  if (first.to.sha256 !== second.from.sha256 || first.to.bytes !== second.from.bytes)
    throw new PatchRefused('wrong-base', 'the second patch does not begin where the first one ends');
  return { from: first.from, to: second.to, ops: composeOps(first.ops, second.ops) };
}

export function composeOps(first: readonly Op[], second: readonly Op[]): Op[] {
  const source = new OpSource(first);
  const out: Op[] = [];
  for (const op of second) {
    if (op.kind === 'splice') {
      out.push(...takeAway(source, op.removed), { kind: 'splice', removed: NOTHING, inserted: op.inserted });
      continue;
    }
    let at = 0;
    for (const piece of source.take(consumes(op))) {
      const length = produces(piece);
      out.push(op.kind === 'copy' ? piece : xorOp(piece, op.mask.subarray(at, at + length)));
      at += length;
    }
  }
  out.push(...source.rest());
  return normalize(out);
}

/** The same change with neighbours joined, nothing empty, and no copy at the end. */
export function normalize(ops: readonly Op[]): Op[] {
  const runs: { readonly kind: Op['kind']; length: number; readonly first: Uint8Array[]; readonly second: Uint8Array[] }[] = [];
  for (const op of ops) {
    if (consumes(op) === 0 && produces(op) === 0) continue;
    let last = runs.at(-1);
    if (last?.kind !== op.kind) runs.push((last = { kind: op.kind, length: 0, first: [], second: [] }));
    if (op.kind === 'copy') last.length += op.length;
    else if (op.kind === 'xor') last.first.push(op.mask);
    else {
      last.first.push(op.removed);
      last.second.push(op.inserted);
    }
  }
  if (runs.at(-1)?.kind === 'copy') runs.pop();
  return runs.map(({ kind, length, first, second }) => {
    if (kind === 'copy') return { kind, length };
    return kind === 'xor' ? { kind, mask: joined(first) } : { kind, removed: joined(first), inserted: joined(second) };
  });
}

/** A change at one place of the content as it is after the changes before it: what the Lean model of a patch is a list of. */
export interface Splice {
  readonly at: number;
  readonly removed: Uint8Array;
  readonly inserted: Uint8Array;
}

/** The ops as splices to be applied one after the other. `content`: the old one, for the bytes under an exclusive or. */
export function toSplices(ops: readonly Op[], content: Uint8Array): Splice[] {
  const splices: Splice[] = [];
  let from = 0;
  let to = 0;
  for (const op of ops) {
    if (op.kind === 'splice') splices.push({ at: to, removed: op.removed, inserted: op.inserted });
    else if (op.kind === 'xor') {
      const removed = content.slice(from, from + op.mask.length);
      splices.push({ at: to, removed, inserted: xorOf(removed, op.mask) });
    }
    from += consumes(op);
    to += produces(op);
  }
  return splices;
}

/** Bytes of the old content that an op passes. */
export function consumes(op: Op): number {
  if (op.kind === 'copy') return op.length;
  return op.kind === 'xor' ? op.mask.length : op.removed.length;
}

/** Bytes of the new content that an op leaves. */
export function produces(op: Op): number {
  return op.kind === 'splice' ? op.inserted.length : consumes(op);
}

const NOTHING = new Uint8Array(0);

/** Hands out the ops in pieces of the new content; after the last one stands a copy without end. */
class OpSource {
  readonly #ops: readonly Op[];
  #next = 0;
  /** What is left of the op before `#next`. */
  #part: Op | undefined;

  constructor(ops: readonly Op[]) {
    this.#ops = ops;
  }

  /** Pieces that produce `length` bytes together. Whatever only removes comes before the piece that follows it. */
  take(length: number): Op[] {
    const pieces: Op[] = [];
    let left = length;
    while (left > 0) {
      const op = this.#part ?? this.#ops[this.#next++] ?? { kind: 'copy', length: left };
      this.#part = undefined;
      const [piece, rest] = split(op, left);
      this.#part = rest;
      left -= produces(piece);
      pieces.push(piece);
    }
    return pieces;
  }

  rest(): Op[] {
    const ops = this.#ops.slice(this.#next);
    return this.#part === undefined ? ops : [this.#part, ...ops];
  }
}

/** The part of an op that produces the first `length` bytes, with all that it removes, and what is left. */
function split(op: Op, length: number): [piece: Op, rest: Op | undefined] {
  if (produces(op) <= length) return [op, undefined];
  if (op.kind === 'copy')
    return [
      { kind: 'copy', length },
      { kind: 'copy', length: op.length - length },
    ];
  if (op.kind === 'xor')
    return [
      { kind: 'xor', mask: op.mask.subarray(0, length) },
      { kind: 'xor', mask: op.mask.subarray(length) },
    ];
  return [
    { kind: 'splice', removed: op.removed, inserted: op.inserted.subarray(0, length) },
    { kind: 'splice', removed: NOTHING, inserted: op.inserted.subarray(length) },
  ];
}

/** Removes `removed` from what the first patch leaves: of bytes that it copied or changed, the old ones go. */
function takeAway(source: OpSource, removed: Uint8Array): Op[] {
  const out: Op[] = [];
  let at = 0;
  for (const piece of source.take(removed.length)) {
    const gone = removed.subarray(at, at + produces(piece));
    at += gone.length;
    if (piece.kind === 'copy') out.push({ kind: 'splice', removed: gone, inserted: NOTHING });
    else if (piece.kind === 'xor') out.push({ kind: 'splice', removed: xorOf(gone, piece.mask), inserted: NOTHING });
    else if (!isEqual(piece.inserted, gone))
      throw new PatchRefused('does-not-fit', 'the second patch removes other bytes than the first inserted');
    else out.push({ kind: 'splice', removed: piece.removed, inserted: NOTHING });
  }
  return out;
}

function xorOp(piece: Op, mask: Uint8Array): Op {
  if (piece.kind === 'copy') return { kind: 'xor', mask };
  if (piece.kind === 'xor') return { kind: 'xor', mask: xorOf(piece.mask, mask) };
  return { kind: 'splice', removed: piece.removed, inserted: xorOf(piece.inserted, mask) };
}

function xorOf(bytes: Uint8Array, mask: Uint8Array): Uint8Array {
  const out = new Uint8Array(bytes.length);
  for (let i = 0; i < out.length; i++) out[i] = bytes[i] ^ mask[i];
  return out;
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0];
  const out = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
