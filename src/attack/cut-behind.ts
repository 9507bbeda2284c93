import type { LedgerView } from './ledger-view.ts';
import { cutTo, remove } from './disk.ts';

/** Leaves `size` leaves: what follows is cut off its file, and later files go. */
export function cutBehind(view: LedgerView, size: number): void {
  for (const segment of view.segments().toReversed()) {
    if (segment.first >= size) remove(segment.path);
    else if (segment.first + view.frames(segment).length > size) cutTo(segment.path, view.place(size).frame.at);
  }
}
