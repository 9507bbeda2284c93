import { setTimeout } from 'node:timers/promises';
import type { CaseFolder } from './case-folder.ts';

/** An epoch ends a second after its first entry; under strace on a busy machine a little later. Beyond this it never will. */
const EPOCH_END_MS_MAX = 8_000;
const POLL_MS = 20;

/**
 * Waits until the epoch that runs now has ended in all its steps: then both watermark slots state the next one. Gives up quietly when the
 * process has ended or nothing moves: what an injected fault does to an epoch's end is what the caller wants to see.
 */
export async function untilEpochEnds(folder: CaseFolder, exited: Promise<unknown>): Promise<void> {
  const { epoch } = folder.watermark();
  const hasExited = exited.then(() => true);
  for (let waitedMs = 0; waitedMs < EPOCH_END_MS_MAX; waitedMs += POLL_MS) {
    if (folder.watermarkSlots().every((slot) => slot.epoch > epoch)) return;
    if (await Promise.race([hasExited, setTimeout(POLL_MS).then(() => false)])) return;
  }
}
