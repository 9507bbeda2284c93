import { join } from 'node:path';
import { receiveMessageOnPort } from 'node:worker_threads';
import { segmentName } from '../kernel/leaf.ts';
import { ledgerPaths } from '../ledger/paths.ts';
import type { JournalMessage } from '../ledger/port-journal.ts';
import { ChangeEvents, CANARY_NAME } from './change-events.ts';
import { ContentCycle } from './content-cycle.ts';
import { ExpectedLedger } from './expected-ledger.ts';
import type { Finding } from './finding.ts';
import { Folder } from './folder.ts';
import { IndexFiles } from './index-files.ts';
import { ImmutableFlag } from './immutable.ts';
import type { FromWatch, WatchThreadOptions } from './ports.ts';
import type { SealedSegment } from './sealed-segment.ts';
import { smallFiles } from './small-files.ts';
import type { SmallFile } from './small-file.ts';
import { WatchedSegments } from './watched-segments.ts';

/** Everything is looked at this often, the sealed segments every second time: what stands in docs/watch.md rests on it. */
export const TICK_MS = 50;
/** The content of what is being written is compared every so many ticks: 6 ms for 32 MiB, the price of telling our writes from others. */
const SCRUB_TICKS = 2;
/** The reading of everything else, a second: 1 % of a core, and slow enough not to empty the page cache; slower beside the writer. */
const CYCLE_BYTES_PER_S = { idle: 10 * 1024 * 1024, writing: 2.5 * 1024 * 1024 } as const;
/** Changed segments are judged for so long before the next look at the rest. */
const JUDGE_MS_MAX = 20;
/** While only the tree can judge a changed segment, its reading goes on in steps of this, some milliseconds each. */
const URGENT_BYTES = 2 * 1024 * 1024;
const BEAT_TICKS = 5;
/** Names waiting for a look after an event; the next poll sees the others. */
const REPORTED_MAX = 1_000;

/** The looking itself, without its clockwork (watch-thread.ts): what is done at a tick, and what at an event. */
export class Watch {
  readonly #journal: WatchThreadOptions['journal'];
  readonly #post: (message: FromWatch) => void;
  readonly #expected = new ExpectedLedger();
  readonly #segments: WatchedSegments;
  readonly #cycle: ContentCycle;
  readonly #indexFiles: ReadonlyMap<string, IndexFiles>;
  /** What leads to the segments. */
  readonly #trunk: readonly Folder[];
  readonly #folders: readonly Folder[];
  readonly #smallFiles: readonly SmallFile[];
  readonly #events: ChangeEvents;
  /** Names of which the file system said something since the last look at them; a burst of events is one look. */
  readonly #reported = new Map<string, { readonly folder: Folder; readonly name: string }>();
  #ticks = 0;

  /** `wake` asks for a call of `hurry` soon. */
  constructor(options: WatchThreadOptions, post: (message: FromWatch) => void, wake: () => void) {
    const { dataDir, keysDir, isImmutable, journal } = options;
    this.#journal = journal;
    this.#post = post;
    const paths = ledgerPaths(dataDir, keysDir);
    const drain = (): void => this.#drain();
    const flag = new ImmutableFlag(isImmutable, (message) => post({ kind: 'trouble', message }));
    this.#expected.onPruned = (first) => flag.clear(join(paths.segments, segmentName(first)));
    this.#segments = new WatchedSegments(paths.segments, this.#expected, drain, {
      found: (name, finding) => this.#found(`ledger/segments/${name}`, finding),
      accepted: (name, evidence) => post({ kind: 'accepted', file: `ledger/segments/${name}`, evidence }),
      sealed: (name) => flag.set(join(paths.segments, name)),
    });
    this.#cycle = new ContentCycle(this.#segments, {
      needRoots: (segment) => this.#needRoots(segment),
      foundTampers: (seqs) => void (seqs.length > 0 && post({ kind: 'tampers', seqs })),
    });
    this.#trunk = [new Folder('.', dataDir), new Folder('ledger', paths.ledger), new Folder('ledger/segments', paths.segments)];
    this.#folders = [
      ...this.#trunk,
      new Folder('keys', paths.keys),
      // These come with the first full segment, and with the first removal.
      new Folder('ledger/index', join(paths.ledger, 'index')),
      new Folder('ledger/pruned', join(paths.ledger, 'pruned')),
    ];
    this.#indexFiles = this.#watchIndexes(paths.ledger);
    this.#smallFiles = smallFiles(paths, this.#expected, drain);
    this.#segments.begin();
    for (const files of this.#indexFiles.values()) files.look();
    for (const file of this.#smallFiles) this.#look(file);
    this.#events = new ChangeEvents(this.#folders, dataDir, (folder, name) => {
      if (this.#reported.size < REPORTED_MAX) this.#reported.set(`${folder.name}/${name}`, { folder, name });
      wake();
    });
  }

  /** To be called every TICK_MS, in the check phase of the event loop: events that happened before have been delivered then. */
  tick(): void {
    this.#ticks++;
    const isScrub = this.#ticks % SCRUB_TICKS === 0;
    const { mayHaveMissed, finding } = this.#events.beat();
    if (finding !== undefined) this.#found(CANARY_NAME, finding);
    for (const folder of this.#folders) {
      const wasThere = folder.isThere;
      const swapped = folder.look();
      if (swapped !== undefined) this.#found(folder.name, swapped);
      if (swapped !== undefined || folder.isThere !== wasThere) this.#events.rearm();
    }
    // Below a folder that is gone everything is: that is one finding.
    if (this.#trunk.some((folder) => folder.isMissing)) return;
    for (const file of this.#smallFiles) this.#look(file);
    this.#segments.look();
    for (const files of this.#indexFiles.values()) files.look();
    if (mayHaveMissed) this.#segments.lookAtAll();
    if (isScrub || mayHaveMissed) this.#segments.scrub();
    this.#cycle.step((CYCLE_BYTES_PER_S[this.#segments.isWriting ? 'writing' : 'idle'] * TICK_MS) / 1000);
    if (this.#ticks % BEAT_TICKS === 0) this.#beat();
  }

  /** True while something waits that should not wait for the tick: `hurry` should then be called, again and again. */
  get isUrgent(): boolean {
    return this.#reported.size > 0 || this.#segments.hasSuspects || this.#cycle.isUrgent;
  }

  hurry(): void {
    const reported = [...this.#reported.values()];
    this.#reported.clear();
    for (const { folder, name } of reported) this.#changed(folder, name);
    this.#segments.judgeSome(performance.now() + JUDGE_MS_MAX);
    if (this.#cycle.isUrgent) this.#cycle.step(URGENT_BYTES);
  }

  answerRoots(first: number, roots: Uint8Array | undefined): void {
    this.#cycle.answerRoots(first, roots);
  }

  close(): void {
    this.#events.close();
  }

  #watchIndexes(ledger: string): ReadonlyMap<string, IndexFiles> {
    const watchIndexes = (folder: string, mayLeave: (first: number) => boolean): [string, IndexFiles] => [
      `ledger/${folder}`,
      new IndexFiles(join(ledger, folder), mayLeave, {
        found: (name, finding) => this.#found(`ledger/${folder}/${name}`, finding),
        accepted: (name, evidence) => this.#post({ kind: 'accepted', file: `ledger/${folder}/${name}`, evidence }),
      }),
    ];
    const hasMoved = (first: number): boolean => {
      this.#drain();
      return this.#expected.movedIndexes.delete(first);
    };
    return new Map([watchIndexes('index', hasMoved), watchIndexes('pruned', () => false)]);
  }

  /** Takes in what has been announced: whoever sees a change on the disk finds its announcement in the port by then. */
  #drain(): void {
    for (;;) {
      const received = receiveMessageOnPort(this.#journal);
      if (received === undefined) return;
      this.#expected.apply(received.message as JournalMessage);
    }
  }

  #changed(folder: Folder, name: string): void {
    if (folder.name === 'ledger/segments') this.#segments.changed(name);
    this.#indexFiles.get(folder.name)?.changed(name);
    this.#drain();
    const path = folder.name === '.' ? name : `${folder.name}/${name}`;
    for (const file of this.#smallFiles) if (file.name === path && !file.wasAnnounced) this.#look(file);
  }

  #look(file: SmallFile): void {
    const finding = file.look();
    if (finding !== undefined) this.#found(file.name, finding);
  }

  #found(file: string, finding: Finding): void {
    this.#post({ kind: 'detected', detection: { ...finding, file, detectedNs: process.hrtime.bigint() } });
  }

  #needRoots({ first, end }: SealedSegment): void {
    if (end === undefined) this.#cycle.answerRoots(first, undefined);
    else this.#post({ kind: 'need-roots', first, end });
  }

  #beat(): void {
    const { user, system } = process.threadCpuUsage();
    this.#post({ kind: 'beat', cycleMs: this.#cycle.cycleMs, cpuMs: (user + system) / 1000, hasEvents: this.#events.isAlive });
  }
}
