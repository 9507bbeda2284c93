import { isThere, readAt } from './disk.ts';

/** Whether what was stored there is gone because the writer, going about its work, put something of its own in that place. */
export function isReplaced(path: string, at: number, stored: Uint8Array): boolean {
  return !isThere(path) || !readAt(path, at, stored.length).equals(stored);
}
