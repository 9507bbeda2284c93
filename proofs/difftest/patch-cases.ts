import fc from 'fast-check';
import { applyOps, composeOps, consumes, invertOps, normalize, type Op, PatchRefused, toSplices } from '../../src/versions/patch.ts';

/** An op in the form that the Lean side reads: 0 copies `n`, 1 replaces `a` by `b`, 2 is the exclusive or with `a`. */
export interface WireOp {
  readonly k: 0 | 1 | 2;
  readonly n: number;
  readonly a: readonly number[];
  readonly b: readonly number[];
}

export interface PatchCase {
  readonly first: readonly WireOp[];
  readonly second: readonly WireOp[];
  readonly content: readonly number[];
}

/** null where the ops are refused. */
export interface PatchAnswer {
  readonly applied?: readonly number[] | null;
  readonly undone?: readonly number[] | null;
  readonly inverted: readonly WireOp[];
  readonly normalized: readonly WireOp[];
  readonly composed?: readonly WireOp[] | null;
  /** Position, and what is replaced by what. */
  readonly splices: readonly (readonly [number, readonly [readonly number[], readonly number[]]])[];
}

/** Few values, so that wrong bytes are right by chance often enough. */
const bytes = fc.array(fc.constantFrom(0, 1, 255), { maxLength: 4 });

/** What an op does, for whatever content: bytes that it takes away are read from there, except for a wrong one now and then. */
const scripts = fc.array(
  fc.record({ kind: fc.constantFrom('copy', 'splice', 'xor'), length: fc.nat(4), bytes, isWrong: fc.nat(15).map((n) => n === 0) }),
  { maxLength: 5 },
);

type Script = typeof scripts extends fc.Arbitrary<infer T> ? T : never;

function toOps(script: Script, content: readonly number[]): WireOp[] {
  let at = 0;
  return script.map(({ kind, length, bytes, isWrong }): WireOp => {
    if (kind === 'copy') {
      at += length;
      return { k: 0, n: length, a: [], b: [] };
    }
    if (kind === 'xor') {
      at += bytes.length;
      return { k: 2, n: 0, a: bytes, b: [] };
    }
    const removed = content.slice(at, at + length).map((byte) => (isWrong ? byte ^ 1 : byte));
    at += removed.length;
    return { k: 1, n: 0, a: removed, b: bytes };
  });
}

export const patchCases: fc.Arbitrary<PatchCase> = fc
  .record({ content: fc.array(fc.constantFrom(0, 1, 255), { maxLength: 16 }), first: scripts, second: scripts })
  .map(({ content, first, second }) => {
    const ops = toOps(first, content);
    const next = refusedIsNull(() => applyOps(ops.map(fromWire), Uint8Array.from(content)));
    return { content, first: ops, second: toOps(second, next === null ? content : [...next]) };
  });

/** What ships. */
export function patchAnswer({ first, second, content }: PatchCase): PatchAnswer {
  const ops = first.map(fromWire);
  const old = Uint8Array.from(content);
  const applied = refusedIsNull(() => applyOps(ops, old));
  const undone = applied === null ? null : refusedIsNull(() => applyOps(invertOps(ops), applied));
  const composed = refusedIsNull(() => composeOps(ops, second.map(fromWire)));
  return {
    applied: applied === null ? null : [...applied],
    undone: undone === null ? null : [...undone],
    inverted: invertOps(ops).map(toWire),
    normalized: normalize(ops).map(toWire),
    composed: composed === null ? null : composed.map(toWire),
    splices: applied === null ? [] : toSplices(ops, old).map(({ at, removed, inserted }) => [at, [[...removed], [...inserted]]] as const),
  };
}

function refusedIsNull<T>(run: () => T): T | null {
  try {
    return run();
  } catch (error) {
    if (error instanceof PatchRefused) return null;
    throw error;
  }
}

function fromWire({ k, n, a, b }: WireOp): Op {
  if (k === 0) return { kind: 'copy', length: n };
  if (k === 2) return { kind: 'xor', mask: Uint8Array.from(a) };
  return { kind: 'splice', removed: Uint8Array.from(a), inserted: Uint8Array.from(b) };
}

function toWire(op: Op): WireOp {
  if (op.kind === 'copy') return { k: 0, n: consumes(op), a: [], b: [] };
  if (op.kind === 'xor') return { k: 2, n: 0, a: [...op.mask], b: [] };
  return { k: 1, n: 0, a: [...op.removed], b: [...op.inserted] };
}
