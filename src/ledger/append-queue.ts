import { EMPTY_BATCH } from '../kernel/event-batch.ts';
import type { AppendRequest } from './ports.ts';

/** A group is one write and one fdatasync. Its size bounds how long staging keeps the thread from answering (about 15 ms). */
const GROUP_BYTES_MAX = 4 * 1024 * 1024;
const GROUP_REQUESTS_MAX = 4096;

export interface Queued {
  readonly id: number;
  readonly request: AppendRequest;
}

/** Without leaves of its own: only a due minute summary is written. */
export const TICK: Queued = { id: -1, request: { events: EMPTY_BATCH } };
/** A leaf of our own that only finds out whether the disk is still full: dropped when it is. */
export const PROBE: Queued = {
  id: -3,
  request: { events: EMPTY_BATCH, record: { type: 'heartbeat', payload: { reason: 'is there space again' } } },
};
/** Records of our own that nobody waits for. */
const OWN_ID = -2;

/** What waits for the writer. Ids of requests that somebody waits for are not negative. */
export class AppendQueue {
  #waiting: Queued[] = [];
  /** Records of our own that met a full disk: nobody else would send them again. */
  readonly #held: Queued[] = [];

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  push(queued: Queued): void {
    this.#waiting.push(...this.#held.splice(0), queued);
  }

  pushOwn(record: AppendRequest['record']): void {
    this.push({ id: OWN_ID, request: { events: EMPTY_BATCH, record } });
  }

  /** As many as make a group, and at least one when there is one. */
  takeGroup(): Queued[] {
    let bytes = 0;
    let count = 0;
    while (count < this.#waiting.length && count < GROUP_REQUESTS_MAX && (count === 0 || bytes < GROUP_BYTES_MAX)) {
      bytes += this.#waiting[count].request.events.payloads.length;
      count++;
    }
    return this.#waiting.splice(0, count);
  }

  takeAll(): Queued[] {
    return this.#waiting.splice(0);
  }

  putBack(queued: readonly Queued[]): void {
    this.#waiting.unshift(...queued);
  }

  /** Of these, which found no space, our own are tried again with whatever comes next. */
  hold(queued: readonly Queued[]): void {
    this.#held.push(...queued.filter(({ id }) => id === OWN_ID));
  }
}
