import { existsSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import type { CaseFolder } from './case-folder.ts';

/** An epoch ends a second after its first entry; under strace on a busy machine a little later. Beyond this it never will. */
const EPOCH_END_MS_MAX = 8_000;
/** Retention reads two segments before it removes them, and tries again for ten seconds. */
const REMOVAL_MS_MAX = 20_000;
const POLL_MS = 20;

/**
 * Waits until the epoch that runs now has ended in all its steps: then both watermark slots state the next one. Gives up quietly when the
 * process has ended or nothing moves: what an injected fault does to an epoch's end is what the caller wants to see.
 */
export async function untilEpochEnds(folder: CaseFolder, exited: Promise<unknown>): Promise<void> {
  const { epoch } = folder.watermark();
  await untilDone(() => folder.watermarkSlots().every((slot) => slot.epoch > epoch), exited, EPOCH_END_MS_MAX);
}

/** Waits until retention has removed these files. Gives up quietly, as above. */
export async function untilRemoved(paths: readonly string[], exited: Promise<unknown>): Promise<void> {
  await untilDone(() => !paths.some((path) => existsSync(path)), exited, REMOVAL_MS_MAX);
}

async function untilDone(isDone: () => boolean, exited: Promise<unknown>, maxMs: number): Promise<void> {
  const hasExited = exited.then(() => true);
  for (let waitedMs = 0; waitedMs < maxMs; waitedMs += POLL_MS) {
    if (isDone()) return;
    if (await Promise.race([hasExited, setTimeout(POLL_MS).then(() => false)])) return;
  }
}
