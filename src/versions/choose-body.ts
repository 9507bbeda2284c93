import type { ByteSource } from './byte-source.ts';
import { alignedOps } from './diff-aligned.ts';
import { hasMoved, matchedOps } from './diff-matched.ts';
import type { ChosenBody, PatchDraft } from './patch-draft.ts';
import { PatchEncoder } from './patch-format.ts';
import type { ContentId, Op } from './patch.ts';
import { WindowedContent } from './span.ts';

export interface BodySide {
  readonly id: ContentId;
  readonly source: ByteSource;
}

/** A patch in place that is not larger than this is taken as it is: searching more could gain little, and takes two passes more. */
const SMALL_PATCH_BYTES = 1024;

/**
 * Writes the smallest patch that is found between two contents, or none when none is smaller than the new one. Reads both in windows; what
 * it holds does not grow with them.
 */
export async function chooseBody(from: BodySide, to: BodySide, openDraft: () => Promise<PatchDraft>): Promise<ChosenBody> {
  const old = { content: new WindowedContent(from.source), from: 0, to: from.id.bytes };
  const now = { content: new WindowedContent(to.source), from: 0, to: to.id.bytes };
  const write = (ops: AsyncIterable<Op>, bytesMax: number): Promise<Written | undefined> =>
    writePatch(from.id, to.id, ops, openDraft, bytesMax);

  const aligned = from.id.bytes === to.id.bytes ? await write(alignedOps(old, now), to.id.bytes) : undefined;
  if (aligned !== undefined && (aligned.draft.bytes <= SMALL_PATCH_BYTES || !(await hasMoved(old, now)))) return aligned;
  const matched = await write(matchedOps(old, now), aligned?.draft.bytes ?? to.id.bytes);
  if (matched === undefined) return aligned ?? { kind: 'full' };
  await aligned?.draft.drop();
  return matched;
}

type Written = Exclude<ChosenBody, { readonly kind: 'full' }>;

/** Undefined, and no draft is left, once the patch is not smaller than `bytesMax`. */
async function writePatch(
  from: ContentId,
  to: ContentId,
  ops: AsyncIterable<Op>,
  openDraft: () => Promise<PatchDraft>,
  bytesMax: number,
): Promise<Written | undefined> {
  const header = PatchEncoder.header(from, to);
  if (header.length >= bytesMax) return undefined;
  const draft = await openDraft();
  let [hasMask, hasSplice] = [false, false];
  try {
    const encoder = new PatchEncoder();
    await draft.append(header);
    for await (const op of ops) {
      hasMask ||= op.kind === 'xor';
      hasSplice ||= op.kind === 'splice';
      for (const block of encoder.add(op)) await draft.append(block);
      if (draft.bytes >= bytesMax) break;
    }
    for (const block of encoder.finish()) await draft.append(block);
  } catch (error) {
    await draft.drop();
    throw error;
  }
  if (draft.bytes < bytesMax) return { kind: hasMask && !hasSplice ? 'xor' : 'splice', draft };
  await draft.drop();
  return undefined;
}
