import { FLAG_LAST_OF_REQUEST, FLAG_REQUEST_TAG, LEAF_MAC_BYTES } from '../kernel/leaf.ts';
import { concat } from '../kernel/bytes.ts';
import { LEVELS } from '../kernel/levels.ts';
import type { EventRun, RecordPlace } from './segment-summary.ts';
import { TenantTally } from './tenant-tally.ts';

const MINUTE_NS = 60_000_000_000n;
/** Places in a leaf's header. */
const FLAGS_AT = 2;
const EPOCH_AT = 12;
const TIME_AT = 16;

/** Gathers a segment's leaves as runs of events and single records, in order. */
export class RunCollector {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #tenants: TenantTally;
  readonly #levels = LEVELS.map(() => 0);
  #items: (EventRun | RecordPlace)[] = [];
  #records: Uint8Array[] = [];
  #recordBytes = 0;
  /** Headers of the first and the last leaf of the running run, and its number of leaves. */
  #first = 0;
  #last = 0;
  #lastMacAt = 0;
  #count = 0;
  #minute = -1;
  /** The minute's bounds, u64 nanoseconds in two halves each: most leaves share it with the one before, and need no division. */
  #startHigh = 0;
  #startLow = 0;
  #endHigh = 0;
  #endLow = 0;

  /** `bytes` keeps every leaf as it was until `take`. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#tenants = new TenantTally(bytes);
  }

  /** An event leaf with its header at `leaf` and its MAC at `macAt`; `level` is the index into LEVELS. */
  event(leaf: number, macAt: number, level: number): void {
    const [high, low] = [this.#view.getUint32(leaf + TIME_AT), this.#view.getUint32(leaf + TIME_AT + 4)];
    const isBefore = high < this.#startHigh || (high === this.#startHigh && low < this.#startLow);
    if (isBefore || high > this.#endHigh || (high === this.#endHigh && low >= this.#endLow)) {
      this.#close();
      this.#setMinute(leaf);
    }
    if (this.#count > 0 && this.#view.getUint32(leaf + EPOCH_AT) !== this.#view.getUint32(this.#first + EPOCH_AT)) this.#close();
    if (this.#count === 0) this.#first = leaf;
    this.#last = leaf;
    this.#lastMacAt = macAt;
    this.#count++;
    this.#levels[level]++;
  }

  /** The tenant of the event just given: where the payload spells it, quotes included. */
  tenant(from: number, end: number): void {
    this.#tenants.count(from, end);
  }

  record(from: number, end: number): void {
    this.#close();
    this.#records.push(this.#bytes.subarray(from, end));
    this.#items.push({ kind: 'record', from: this.#recordBytes, end: this.#recordBytes + end - from });
    this.#recordBytes += end - from;
  }

  take(): { items: readonly (EventRun | RecordPlace)[]; records: Uint8Array } {
    this.#close();
    const taken = { items: this.#items, records: concat(...this.#records) };
    this.#items = [];
    this.#records = [];
    this.#recordBytes = 0;
    return taken;
  }

  #close(): void {
    if (this.#count === 0) return;
    const [view, first, last] = [this.#view, this.#first, this.#last];
    this.#items.push({
      kind: 'events',
      count: this.#count,
      epoch: view.getUint32(first + EPOCH_AT),
      minute: this.#minute,
      firstTimeHigh: view.getUint32(first + TIME_AT),
      firstTimeLow: view.getUint32(first + TIME_AT + 4),
      lastTimeHigh: view.getUint32(last + TIME_AT),
      lastTimeLow: view.getUint32(last + TIME_AT + 4),
      isTagged: (view.getUint16(first + FLAGS_AT) & FLAG_REQUEST_TAG) !== 0,
      endsRequest: (view.getUint16(last + FLAGS_AT) & FLAG_LAST_OF_REQUEST) !== 0,
      lastMac: Uint8Array.from(this.#bytes.subarray(this.#lastMacAt, this.#lastMacAt + LEAF_MAC_BYTES)),
      levels: [...this.#levels],
      tenants: this.#tenants.take(),
    });
    this.#levels.fill(0);
    this.#count = 0;
  }

  #setMinute(leaf: number): void {
    const minute = this.#view.getBigUint64(leaf + TIME_AT) / MINUTE_NS;
    const [startNs, endNs] = [minute * MINUTE_NS, (minute + 1n) * MINUTE_NS];
    this.#minute = Number(minute);
    this.#startHigh = Number(startNs >> 32n);
    this.#startLow = Number(startNs & 0xffff_ffffn);
    this.#endHigh = Number(endNs >> 32n);
    this.#endLow = Number(endNs & 0xffff_ffffn);
  }
}
