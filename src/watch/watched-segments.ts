import { join } from 'node:path';
import { parseSegmentName, segmentName } from '../kernel/leaf.ts';
import { listNames, lookAt } from './disk.ts';
import type { ExpectedLedger } from './expected-ledger.ts';
import type { Finding } from './finding.ts';
import { ForeignNames } from './foreign-names.ts';
import { GuardedReads } from './guarded-reads.ts';
import { GrowingSegment } from './growing-segment.ts';
import type { SealedResult } from './sealed-file.ts';
import { SealedSegment } from './sealed-segment.ts';

/** Whom the segments tell. Names are those of the files. */
export interface SegmentEvents {
  found(name: string, finding: Finding): void;
  accepted(name: string, evidence: string): void;
  /** Sealed, and its content known: it may be made immutable. */
  sealed(name: string): void;
}

/** Each round over the sealed segments takes this many ticks: 3,000 segments cost 3.5 ms a tick then. */
const ROUND_TICKS = 2;

/** All segment files: which are growing, which are sealed, and what else stands beside them. */
export class WatchedSegments {
  readonly sealed = new Map<number, SealedSegment>();
  /** Changed ones whose content only the tree can judge. */
  readonly unchecked = new Set<SealedSegment>();
  /** The writer has written since the look before the last one. */
  isWriting = false;
  readonly #directory: string;
  readonly #expected: ExpectedLedger;
  readonly #drain: () => void;
  readonly #events: SegmentEvents;
  readonly #growing = new Map<number, GrowingSegment>();
  readonly #foreign: ForeignNames;
  readonly #written = new Set<SealedSegment>();
  readonly #touched = new Set<SealedSegment>();
  readonly #reads: GuardedReads;
  /** Firsts of `sealed` that this round has not come to. */
  #round: number[] = [];

  /** `drain` takes in what has been announced up to now. */
  constructor(directory: string, expected: ExpectedLedger, drain: () => void, events: SegmentEvents) {
    this.#directory = directory;
    this.#expected = expected;
    this.#drain = drain;
    this.#events = events;
    this.#foreign = new ForeignNames(directory);
    this.#reads = new GuardedReads((name, finding) => events.found(name, finding));
  }

  /** What a start found: the last file is the one that is written next, the others are sealed; their content is still to be checked. */
  begin(): void {
    const firsts = (listNames(this.#directory) ?? []).flatMap((name) => parseSegmentName(name) ?? []);
    this.#drain();
    for (const [index, first] of firsts.entries()) {
      const base = lookAt(this.#path(first));
      if (base === undefined || this.#expected.written.has(first)) continue;
      if (index === firsts.length - 1) this.#expected.takeOver(first, base.size);
      else this.sealed.set(first, new SealedSegment(first, firsts[index + 1], this.#path(first), base, undefined));
    }
  }

  /** One tick: every growing segment, a share of the sealed ones, the folder when it changed. */
  look(): void {
    const growing = this.#allGrowing();
    this.isWriting = growing.some(({ expected }) => expected.wasAnnounced);
    for (const segment of growing) this.#lookAtGrowing(segment);
    if (this.#round.length === 0) this.#round = [...this.sealed.keys()];
    for (const first of this.#round.splice(0, Math.ceil(this.sealed.size / ROUND_TICKS))) this.#lookAtSealed(first);
    this.#lookAtFolder();
  }

  /** Every sealed segment and the folder, now: events may have been lost. */
  lookAtAll(): void {
    for (const first of this.sealed.keys()) this.#lookAtSealed(first);
    this.#foreign.forget();
    this.#lookAtFolder();
  }

  /** The content of what is being written. To be called after `look`. */
  scrub(): void {
    for (const growing of this.#allGrowing()) {
      const name = segmentName(growing.expected.first);
      this.#reads.attempt(name, () => {
        const finding = growing.scrub();
        if (finding !== undefined) this.#events.found(name, finding);
        this.#settle(growing);
      });
    }
  }

  /** The file system says that something happened to this name. */
  changed(name: string): void {
    this.#drain();
    const first = parseSegmentName(name);
    const expected = first === undefined ? undefined : this.#expected.written.get(first);
    if (first !== undefined && this.sealed.has(first)) this.#lookAtSealed(first);
    else if (expected === undefined) this.#lookAtFolder();
    else if (!expected.wasAnnounced) {
      // Nothing was announced since the last look, so this is not ours.
      for (const growing of this.#allGrowing()) this.#lookAtGrowing(growing);
      this.scrub();
    }
  }

  /** True while changed segments wait for `judgeSome`. */
  get hasSuspects(): boolean {
    return this.#written.size + this.#touched.size > 0;
  }

  /** Judges changed segments until the time is up, those first that were certainly written: a chmod of everything must not hide them. */
  judgeSome(deadlineMs: number): void {
    for (;;) {
      const [segment] = this.#written.size > 0 ? this.#written : this.#touched;
      if (segment === undefined) return;
      this.#written.delete(segment);
      this.#touched.delete(segment);
      this.judge(segment);
      if (performance.now() >= deadlineMs) return;
    }
  }

  /** Asks a sealed segment what happened to it, and tells. */
  judge(segment: SealedSegment): void {
    this.attempt(segment, () => {
      const result = segment.judge();
      this.#drain();
      if (segment.isMissing && this.#expected.pruned.delete(segment.first)) this.sealed.delete(segment.first);
      else this.tell(segment, result);
    });
  }

  /** Older than this start, and just found to be what the tree says. */
  confirm({ first }: SealedSegment): void {
    if (this.sealed.has(first)) this.#events.sealed(segmentName(first));
  }

  tell(segment: SealedSegment, result: SealedResult | undefined): void {
    const name = segmentName(segment.first);
    if (result?.kind === 'unchecked') this.unchecked.add(segment);
    if (result?.kind === 'finding' || result?.kind === 'unchecked') {
      if (result.finding !== undefined) this.#events.found(name, result.finding);
    } else if (result?.kind === 'accepted') this.#events.accepted(name, result.evidence);
  }

  #path(first: number): string {
    return join(this.#directory, segmentName(first));
  }

  /** Growing segments come with their first announcement. */
  #allGrowing(): GrowingSegment[] {
    this.#drain();
    return [...this.#expected.written.values()].map((expected) => {
      const growing = this.#growing.get(expected.first) ?? new GrowingSegment(expected, this.#path(expected.first), this.#drain);
      this.#growing.set(expected.first, growing);
      return growing;
    });
  }

  #lookAtGrowing(growing: GrowingSegment): void {
    const finding = growing.look();
    if (finding !== undefined) this.#events.found(segmentName(growing.expected.first), finding);
  }

  /** A sealed segment whose content is known goes over to those that a look is enough for. */
  #settle(growing: GrowingSegment): void {
    const settled = growing.settle();
    if (settled === undefined && !growing.isLost) return;
    const { first, sealedBytes } = growing.expected;
    growing.release();
    this.#growing.delete(first);
    this.#expected.written.delete(first);
    this.#foreign.ignore(segmentName(first));
    if (settled === undefined) return;
    const after = [...this.sealed.keys(), ...this.#expected.written.keys()].filter((other) => other > first);
    const end = after.length === 0 ? undefined : after.reduce((a, b) => Math.min(a, b));
    this.sealed.set(first, new SealedSegment(first, end, this.#path(first), settled.base, settled.spans));
    if (sealedBytes === settled.base.size) this.#events.sealed(segmentName(first));
  }

  #lookAtSealed(first: number): void {
    const segment = this.sealed.get(first);
    if (segment === undefined || this.unchecked.has(segment)) return;
    const change = segment.look();
    if (change === 'written') this.#written.add(segment);
    else if (change === 'touched') this.#touched.add(segment);
  }

  #lookAtFolder(): void {
    const isKnown = (name: string): boolean => {
      this.#drain();
      const first = parseSegmentName(name);
      return first !== undefined && (this.sealed.has(first) || this.#expected.written.has(first));
    };
    for (const { name, finding } of this.#foreign.look(isKnown)) this.#events.found(name, finding);
  }

  /** Runs what reads a sealed segment; undefined when it is gone or cannot be read. Either is told elsewhere, once. */
  attempt<T>(segment: SealedSegment, action: () => T): T | undefined {
    const name = segmentName(segment.first);
    const result = this.#reads.attempt(name, action);
    // Its stat is the one to go on from, or every look would try again.
    if (this.#reads.isUnreadable(name)) segment.base = lookAt(segment.path) ?? segment.base;
    return result;
  }
}
