import type { Logger } from 'pino';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { WitnessAnswer } from '../anchor/ask-witness.ts';
import type { Commit } from '../ledger/writer.ts';
import type { CodedError } from '../kernel/errors.ts';
import { DETECTION_KINDS, type Detection, type WatchStatus } from '../kernel/detection.ts';
import type { LedgerStats } from '../ledger/ports.ts';
import type { DecisionCounts } from '../limiter/decision-counts.ts';
import type { Limits } from '../limiter/limits.ts';
import type { LimitsError } from '../limiter/limits-file.ts';
import type { LimiterStatus } from '../limiter/open-limiter.ts';
import type { DeniedKey } from '../limiter/top-denied.ts';
import type { StartReport } from '../ledger/writer-thread.ts';
import { METRICS, type MetricName, type MetricSpec } from './metric-table.ts';
import { VERSION_CAUSES, VERSION_OUTCOMES, type VersionCause, type VersionOutcome } from './version-events.ts';

interface LimitFigures {
  readonly counts: DecisionCounts;
  readonly status: () => LimiterStatus;
  readonly topDenied: () => readonly DeniedKey[];
}

type NamesOf<Kind> = { [Name in MetricName]: (typeof METRICS)[Name]['kind'] extends Kind ? Name : never }[MetricName];

/** Counts, logs and labels what happens: one method per business event, so that counter and log line cannot drift apart. */
export class Observer {
  readonly log: Logger;
  readonly registry = new Registry();
  readonly #counters = new Map<string, Counter>();
  readonly #gauges = new Map<string, Gauge>();
  readonly #histograms = new Map<string, Histogram>();

  constructor(log: Logger, version: string) {
    this.log = log;
    for (const [name, spec] of Object.entries<MetricSpec>(METRICS)) this.#register(name, spec);
    collectDefaultMetrics({ register: this.registry, prefix: 'proofs_' });
    this.#gauges.get('proofs_build_info')?.set({ version }, 1);
    // All kinds from the start: an alert on an increase does not see a series that begins with its first count.
    for (const kind of DETECTION_KINDS) this.#count('proofs_ledger_tamper_detections_total', 0, { kind });
    for (const cause of VERSION_CAUSES)
      for (const outcome of VERSION_OUTCOMES) this.#count('proofs_versions_changes_total', 0, { cause, outcome });
  }

  #register(name: string, spec: MetricSpec): void {
    const common = { name, help: spec.help, labelNames: [...(spec.labels ?? [])], registers: [this.registry] };
    if (spec.kind === 'counter') this.#counters.set(name, new Counter(common));
    else if (spec.kind === 'gauge') this.#gauges.set(name, new Gauge(common));
    else this.#histograms.set(name, new Histogram({ ...common, buckets: [...(spec.buckets ?? [])] }));
  }

  #count(name: NamesOf<'counter'>, by = 1, labels: Record<string, string> = {}): void {
    this.#counters.get(name)?.inc(labels, by);
  }

  #set(name: NamesOf<'gauge'>, value: number): void {
    this.#gauges.get(name)?.set(value);
  }

  #observe(name: NamesOf<'histogram'>, value: number, labels: Record<string, string> = {}): void {
    this.#histograms.get(name)?.observe(labels, value);
  }

  eventsAccepted(accepted: number, rejected: number): void {
    if (accepted > 0) this.#count('proofs_events_accepted_total', accepted);
    if (rejected > 0) this.#count('proofs_events_rejected_total', rejected);
  }

  /** `code` is one of the closed set of docs/errors.md. */
  requestRefused(code: string, status: number, detail: string, requestId: string): void {
    this.#count('proofs_requests_refused_total', 1, { code });
    this.log[status >= 500 ? 'error' : 'info']({ code, status, requestId }, detail);
  }

  requestAnswered(route: string, status: number, seconds: number): void {
    this.#observe('proofs_http_request_seconds', seconds, { route, status: String(status) });
  }

  committed(commit: Commit): void {
    this.#count('proofs_ledger_entries_total', commit.entries);
    this.#count('proofs_ledger_bytes_total', commit.bytes);
    this.#observe('proofs_ledger_commit_seconds', commit.commitMs / 1000);
  }

  receiptGiven(): void {
    this.#count('proofs_receipts_total');
  }

  /** The events are stored; their producer can ask for the receipt again. */
  receiptFailed(error: unknown): void {
    this.log.error({ err: error }, 'a receipt could not be made');
  }

  checkpointCosigned(origin: string, size: number): void {
    this.#count('proofs_witness_cosignatures_total');
    this.log.debug({ origin, size }, 'cosigned a checkpoint of another log');
  }

  /** A log asked with another size than the one it got cosigned last: it did not know, or it was rolled back. */
  cosigningRefused(origin: string, size: number, isFork: boolean): void {
    this.#count('proofs_witness_refusals_total', 1, { kind: isFork ? 'fork' : 'size' });
    if (isFork) this.log.error({ origin, size }, 'another log shows a second history of the size that was cosigned');
    else this.log.debug({ origin, size }, 'another log asked with a size that is not the one cosigned last');
  }

  /** What a witness of this ledger answered. */
  witnessAnswered(witness: string, { outcome, ...answer }: WitnessAnswer): void {
    this.#count('proofs_witness_answers_total', 1, { outcome });
    if (outcome === 'conflict') {
      this.#count('proofs_witness_conflicts_total');
      this.log.error({ witness, ...answer }, 'a witness knows another state of this ledger: it was rolled back or forked');
    } else this.log[outcome === 'failed' ? 'warn' : 'debug']({ witness, ...answer }, `a witness answered: ${outcome}`);
  }

  witnessRecordFailed(error: unknown): void {
    this.log.warn({ err: error }, 'what a witness did could not be recorded');
  }

  /** The alert. `isTold` is false for repetitions, which are only counted. */
  tamperDetected({ kind, file, bytes, seqs, evidence }: Detection, isTold: boolean): void {
    this.#count('proofs_ledger_tamper_detections_total', 1, { kind });
    if (isTold)
      this.log.error(
        { alert: 'ledger-tampered', kind, file, bytes, seqs, evidence },
        'the files of the ledger were changed by somebody else',
      );
  }

  /** Somebody changed mode, owner or links of a file; its content was compared and is the same. */
  changeAccepted(file: string, evidence: string): void {
    this.log.info({ file, evidence }, 'a file of the ledger was touched, its content is what it was');
  }

  watchTrouble(message: string): void {
    this.log.warn({ reason: message }, 'the watch over the ledger has trouble');
  }

  /** `archived` of the `sealed` leaves in full segments are in the archive. */
  archiveAt(archived: number, sealed: number): void {
    this.#set('proofs_archive_leaves', archived);
    this.#set('proofs_archive_lag_leaves', Math.max(0, sealed - archived));
  }

  archiveFailed(error: Error, location: string): void {
    this.#count('proofs_archive_errors_total');
    this.log.error({ err: error, location }, 'archiving failed; ingest goes on');
  }

  /** How the start came by what it knows of the ledger. */
  started({ walkedFrom, indexFault, emptyLock }: StartReport): void {
    if (emptyLock !== undefined)
      this.log.warn(
        { location: emptyLock },
        'the checkpoint lock held nothing of this ledger and begins with what is here: right at its first use; otherwise somebody removed what it held, and a rollback before now cannot be told',
      );
    if (indexFault === undefined) this.log.debug({ walkedFrom }, 'entries below were taken from segment indexes');
    else this.log.warn({ reason: indexFault }, 'the segment indexes did not fit: the whole ledger was read, and they were made again');
  }

  prunedAt(leaves: number): void {
    this.#set('proofs_ledger_pruned_leaves', leaves);
  }

  pruned(before: number): void {
    this.log.info({ before }, 'entries older than the retention allows were removed');
  }

  pruningFailed(error: unknown): void {
    this.log.error({ err: error }, 'entries that the retention does not keep could not be removed');
  }

  bundleBuilt(bytes: number, sha256: string, entries: number): void {
    this.#count('proofs_bundles_built_total');
    this.#observe('proofs_bundle_bytes', bytes);
    this.log.info({ bytes, sha256, entries }, 'bundle built');
  }

  /** Somebody asked for a change to an artifact, or the end of a confirm window made one. `detail`: the new version, or why not. */
  versionChanged(cause: VersionCause, outcome: VersionOutcome, name: string, detail: string): void {
    this.#count('proofs_versions_changes_total', 1, { cause, outcome });
    this.log[outcome === 'failed' ? 'error' : 'info']({ artifact: name, cause, outcome }, detail);
  }

  /** What the store of the versions met and went on from, or its end. */
  versionsTrouble(error: CodedError): void {
    this.log.error({ code: error.code }, error.message);
  }

  contentMoved(direction: 'in' | 'out', bytes: number): void {
    this.#count('proofs_versions_bytes_total', bytes, { direction });
  }

  watchersAt(count: number): void {
    this.#set('proofs_versions_watchers', count);
  }

  limitsChanged({ generation, limits }: Limits): void {
    this.#count('proofs_ratelimit_reloads_total', 1, { outcome: 'changed' });
    this.log.info({ generation, limits: limits.map(({ name }) => name) }, 'other limits are in force');
  }

  limitsRefused({ faults }: LimitsError): void {
    this.#count('proofs_ratelimit_reloads_total', 1, { outcome: 'refused' });
    this.log.error({ faults }, 'the limits file is wrong; the limits in force stay');
  }

  limitStoreReady(isReady: boolean, why: string): void {
    if (isReady) this.log.info('the shared store of the limits is whole and can be asked');
    else this.log.error({ reason: why }, 'the shared store of the limits cannot be asked: each limit says what holds meanwhile');
  }

  limitClockJumped(byUs: number): void {
    this.#count('proofs_ratelimit_clock_jumps_total');
    this.log.warn({ byMs: Math.round(byUs / 1000) }, 'the clock of the shared store of the limits went ahead; that is subtracted');
  }

  limitStoreSeeded(stamps: number): void {
    this.#count('proofs_ratelimit_seeded_stamps_total', stamps);
    this.log.warn({ stamps }, 'brought back what the shared store of the limits may have lost');
  }

  limitRecordFailed(error: unknown): void {
    this.log.error({ err: error }, 'what the limits did could not be recorded');
  }

  limitStoreAnswered(tookMs: number): void {
    this.#observe('proofs_ratelimit_store_seconds', tookMs / 1000);
  }

  limitStoreRisky(why: string): void {
    this.log.warn(`the Redis server of the limits may lose what it holds: ${why}`);
  }

  limitTraceFailed(error: unknown): void {
    this.log.error({ err: error }, 'the trace of the limits cannot be written and ends here; deciding goes on');
  }

  #limits({ counts, status, topDenied }: LimitFigures): void {
    const { keys, store } = status();
    this.#set('proofs_ratelimit_keys', keys);
    this.#set('proofs_ratelimit_store_up', store?.isReady === false ? 0 : 1);
    this.#set('proofs_ratelimit_nodes', store?.nodes ?? 1);
    // Counted by plain additions on the way of every request; the registry is told the sums.
    this.#total('proofs_ratelimit_degraded_total', [[{}, counts.degraded]]);
    this.#total(
      'proofs_ratelimit_requests_total',
      Object.entries(counts.byOutcome).map(([outcome, count]) => [{ outcome }, count]),
    );
    const limits = [...counts.byLimit];
    this.#total(
      'proofs_ratelimit_decisions_total',
      limits.flatMap(([limit, { allowed, denied }]) => [
        [{ limit, outcome: 'allowed' }, allowed],
        [{ limit, outcome: 'denied' }, denied],
      ]),
    );
    this.#total(
      'proofs_ratelimit_near_limit_total',
      limits.map(([limit, { near }]) => [{ limit }, near]),
    );
    const top = this.#gauges.get('proofs_ratelimit_top_denied');
    top?.reset();
    for (const { limit, key, denied } of topDenied()) top?.set({ limit, key }, denied);
  }

  #total(name: NamesOf<'counter'>, totals: readonly (readonly [labels: Record<string, string>, total: number])[]): void {
    const counter = this.#counters.get(name);
    counter?.reset();
    for (const [labels, total] of totals) counter?.inc(labels, total);
  }

  /** Gauges are read when somebody asks. */
  async metrics(size: number, stats: LedgerStats, watch: WatchStatus, limits?: LimitFigures, damagedVersions = 0): Promise<string> {
    this.#set('proofs_versions_damaged', damagedVersions);
    if (limits !== undefined) this.#limits(limits);
    this.#set('proofs_ledger_tampered', watch.isTampered ? 1 : 0);
    this.#set('proofs_watch_up', watch.state === 'off' || watch.state === 'dead' ? 0 : 1);
    this.#set('proofs_watch_cycle_seconds', watch.cycleSeconds ?? 0);
    this.#set('proofs_watch_lag_seconds', watch.lagSeconds);
    this.#set('proofs_watch_cpu_seconds', watch.cpuSeconds);
    this.#set('proofs_ledger_size', size);
    this.#set('proofs_ledger_queue_bytes', stats.queuedBytes);
    this.#set('proofs_ledger_queue_requests', stats.queuedRequests);
    this.#set('proofs_ledger_recoveries', stats.recoveries);
    this.#set('proofs_ledger_disk_full', stats.isDiskFull ? 1 : 0);
    this.#set('proofs_ledger_anchor_reachable', stats.isAnchorReachable ? 1 : 0);
    this.#set('proofs_ledger_unanchored_entries', stats.unanchoredEntries);
    this.#set('proofs_ledger_checkpoint_stale', stats.isCheckpointStale ? 1 : 0);
    return this.registry.metrics();
  }
}
