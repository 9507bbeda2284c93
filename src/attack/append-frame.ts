import { bytesOf, writeAt } from './disk.ts';
import { joinFrames } from './frames.ts';
import { isReplaced } from './is-replaced.ts';
import type { LedgerView } from './ledger-view.ts';

/** Puts a frame behind the last byte of the newest segment. A writer at work writes its next commit to the same place. */
export function appendFrame(view: LedgerView, leaf: Uint8Array): { path: string; at: number; isUndone: () => boolean } {
  const path = view.segments().at(-1)?.path ?? '';
  const [at, frame] = [bytesOf(path), joinFrames([leaf])];
  writeAt(path, at, frame);
  return { path, at, isUndone: () => isReplaced(path, at, frame) };
}
