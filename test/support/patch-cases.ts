import fc from 'fast-check';
import { hash } from 'node:crypto';
import { utf8 } from '../../src/kernel/bytes.ts';
import { MemorySource } from '../../src/versions/byte-source.ts';
import type { PatchDraft } from '../../src/versions/patch-draft.ts';
import { openPatch, PatchEncoder } from '../../src/versions/patch-format.ts';
import { applyOps, consumes, type ContentId, type Op, type Patch } from '../../src/versions/patch.ts';

export const sha256 = (content: Uint8Array): string => hash('sha256', content, 'hex');

export function idOf(content: Uint8Array): ContentId {
  return { sha256: sha256(content), bytes: content.length };
}

/** Contents like those that are kept as versions. */
export const CONTENTS: Readonly<Record<string, fc.Arbitrary<Uint8Array>>> = {
  bytes: fc.uint8Array({ maxLength: 48 }),
  JSON: fc.json({ maxDepth: 2 }).map(utf8),
  lines: fc.array(fc.constantFrom('', 'a', 'b = 1', 'listen 80;', '# a comment'), { maxLength: 8 }).map((lines) => utf8(lines.join('\n'))),
  floats: fc.float32Array({ maxLength: 12, noNaN: true }).map((floats) => new Uint8Array(floats.buffer)),
};

/** One step of a change, for whatever content: where the content is shorter, less of it is done. */
export interface Step {
  readonly copied: number;
  readonly isXor: boolean;
  readonly removed: number;
  readonly bytes: Uint8Array;
}

export const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.record({ copied: fc.nat(12), isXor: fc.boolean(), removed: fc.nat(6), bytes: fc.uint8Array({ maxLength: 6 }) }),
  { maxLength: 5 },
);

export function toOps(content: Uint8Array, script: readonly Step[]): Op[] {
  const ops: Op[] = [];
  let at = 0;
  for (const { copied, isXor, removed, bytes } of script) {
    const length = Math.min(copied, content.length - at);
    const begin = at + length;
    ops.push({ kind: 'copy', length });
    if (isXor) ops.push({ kind: 'xor', mask: bytes.slice(0, content.length - begin) });
    else ops.push({ kind: 'splice', removed: content.slice(begin, begin + removed), inserted: bytes });
    at = begin + consumes(ops[ops.length - 1]);
  }
  return ops;
}

export function toPatch(content: Uint8Array, script: readonly Step[]): { readonly patch: Patch; readonly next: Uint8Array } {
  const ops = toOps(content, script);
  const next = applyOps(ops, content);
  return { patch: { from: idOf(content), to: idOf(next), ops }, next };
}

export function encode({ from, to, ops }: Patch): Buffer {
  const encoder = new PatchEncoder();
  const blocks = ops.flatMap((op) => encoder.add(op));
  return Buffer.concat([PatchEncoder.header(from, to), ...blocks, ...encoder.finish()]);
}

export async function decode(file: Uint8Array): Promise<Patch> {
  const reader = await openPatch(new MemorySource(file));
  const ops: Op[] = [];
  for await (const op of reader.ops()) ops.push(op);
  return { from: reader.from, to: reader.to, ops };
}

/** A patch file in memory. */
export class MemoryDraft implements PatchDraft {
  readonly parts: Uint8Array[] = [];
  bytes = 0;
  isDropped = false;

  append(chunk: Uint8Array): Promise<void> {
    this.parts.push(chunk);
    this.bytes += chunk.length;
    return Promise.resolve();
  }

  drop(): Promise<void> {
    this.isDropped = true;
    return Promise.resolve();
  }
}
