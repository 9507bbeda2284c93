import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads';
import type { Detection, WatchStatus } from '../kernel/detection.ts';
import { EMPTY_BATCH } from '../kernel/event-batch.ts';
import { TILE_WIDTH } from '../kernel/leaf.ts';
import type { Ledger } from '../ledger/ports.ts';
import type { FromWatch, ToWatch, WatchBeat, WatchThreadOptions } from './ports.ts';
import { tamperPayload, TamperRecord } from './tamper-record.ts';

/** Who is told, beside the ledger itself. */
export interface WatchEvents {
  /** `isTold` is false for repetitions, which are only counted. */
  detected(detection: Detection, isTold: boolean): void;
  accepted(file: string, evidence: string): void;
  trouble(message: string): void;
}

export interface OpenedWatch {
  /** Goes to the writer, which announces its changes there. */
  readonly journal: MessagePort;
  /** To be called once the ledger is open: from now on only announced changes are ours. */
  begin(ledger: Ledger): void;
  status(): WatchStatus;
  /** To be called after the ledger is closed: its last changes are announced too. */
  close(): Promise<void>;
}

type WatchOptions = Omit<WatchThreadOptions, 'journal'>;

/** Tamper records of earlier lives that the status names. */
const EARLIER_KEPT = 100;

/** Starts the watch thread; it waits for `begin`. */
export function openWatch(options: WatchOptions, events: WatchEvents): OpenedWatch {
  return new WatchClient(options, events);
}

/** The main thread's side: the latch, the evidence, and the questions that only the tree in memory can answer. */
class WatchClient implements OpenedWatch {
  readonly journal: MessagePort;
  readonly #worker: Worker;
  readonly #events: WatchEvents;
  readonly #record = new TamperRecord();
  readonly #earlier: number[] = [];
  readonly #ended: Promise<void>;
  #ledger: Ledger | undefined;
  /** Leaves that this start found: a tamper record beyond them is of this life. */
  #sizeAtBegin = 0;
  #beat: WatchBeat | undefined;
  #beatMs = performance.now();
  #isDead = false;
  #isClosing = false;

  constructor(options: WatchOptions, events: WatchEvents) {
    this.#events = events;
    const { port1, port2 } = new MessageChannel();
    this.journal = port1;
    const workerData: WatchThreadOptions = { ...options, journal: port2 };
    const isBuilt = import.meta.url.endsWith('.js');
    const url = new URL(isBuilt ? './watch-thread.js' : './watch-thread.ts', import.meta.url);
    this.#worker = new Worker(url, { workerData, transferList: [port2] });
    this.#worker.on('message', (message: FromWatch) => this.#receive(message));
    let cause = 'it ended';
    this.#worker.on('error', (error: Error) => (cause = error.message));
    this.#ended = new Promise((resolve) => {
      this.#worker.once('exit', () => {
        if (!this.#isClosing) this.#die(cause);
        resolve();
      });
    });
  }

  begin(ledger: Ledger): void {
    this.#ledger = ledger;
    this.#sizeAtBegin = ledger.head().size;
    this.#beatMs = performance.now();
    this.#post({ kind: 'begin' });
  }

  status(): WatchStatus {
    const { isTampered, total, findings } = this.#record;
    const beat = this.#beat;
    return {
      state: this.#isDead ? 'dead' : beat?.hasEvents === false ? 'polling' : 'watching',
      isTampered,
      detections: total,
      findings,
      earlierTampers: this.#earlier,
      lagSeconds: (performance.now() - this.#beatMs) / 1000,
      cycleSeconds: beat?.cycleMs === undefined ? undefined : beat.cycleMs / 1000,
      cpuSeconds: (beat?.cpuMs ?? 0) / 1000,
    };
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    this.#post({ kind: 'close' });
    await this.#ended;
  }

  #post(message: ToWatch): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread has no origin
    this.#worker.postMessage(message);
  }

  #receive(message: FromWatch): void {
    if (message.kind === 'detected') this.#detected(message.detection);
    else if (message.kind === 'accepted') this.#events.accepted(message.file, message.evidence);
    else if (message.kind === 'trouble') this.#events.trouble(message.message);
    else if (message.kind === 'tampers') this.#tampers(message.seqs);
    else if (message.kind === 'need-roots') {
      const { first, end } = message;
      blockRoots(this.#ledger, first, end).then(
        (roots) => this.#post({ kind: 'roots', first, roots }),
        () => this.#post({ kind: 'roots', first, roots: undefined }),
      );
    } else {
      this.#beat = message;
      this.#beatMs = performance.now();
    }
  }

  /** The latch and the counters first: they must be readable at once, whatever becomes of the entry. */
  #detected(detection: Detection): void {
    const isTold = this.#record.add(detection, performance.now(), BigInt(Date.now()) * 1_000_000n);
    this.#events.detected(detection, isTold);
    if (!isTold) return;
    const request = { events: EMPTY_BATCH, record: { type: 'tamper', payload: tamperPayload(detection) } } as const;
    this.#ledger?.append(request).catch((error: unknown) => {
      // A full disk or a dead writer: the metric, the log and the status have it.
      this.#events.trouble(`a finding could not be written to the ledger: ${error instanceof Error ? error.message : String(error)}`);
    });
  }

  #tampers(seqs: readonly number[]): void {
    const earlier = seqs.filter((seq) => seq < this.#sizeAtBegin && !this.#earlier.includes(seq));
    this.#earlier.push(...earlier.slice(0, EARLIER_KEPT - this.#earlier.length));
  }

  #die(cause: string): void {
    this.#isDead = true;
    const evidence = `the watch thread has ended: ${cause}`;
    this.#detected({ kind: 'watch-dead', file: '.', bytes: null, seqs: null, detectedNs: process.hrtime.bigint(), evidence });
  }
}

/** Roots of the blocks of 256 leaves in [first, end), joined: rows of the tiles of level 1. */
async function blockRoots(ledger: Ledger | undefined, first: number, end: number): Promise<Uint8Array | undefined> {
  const parts: Uint8Array[] = [];
  const [from, to] = [first / TILE_WIDTH, end / TILE_WIDTH];
  for (let block = from; block < to;) {
    const index = Math.floor(block / TILE_WIDTH);
    const width = Math.min(TILE_WIDTH, to - index * TILE_WIDTH);
    const tile = await ledger?.tile({ level: 1, index, width });
    if (tile === undefined) return undefined;
    parts.push(tile.subarray((block - index * TILE_WIDTH) * 32));
    block = (index + 1) * TILE_WIDTH;
  }
  return Buffer.concat(parts);
}
