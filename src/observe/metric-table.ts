/** Every metric, once: the registry, docs/metrics.md and later the dashboards come from this table. Label sets are closed. */
export interface MetricSpec {
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels?: readonly string[];
  /** Histogram bounds, in the unit of the name. */
  readonly buckets?: readonly number[];
}

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export const METRICS = {
  proofs_build_info: { kind: 'gauge', help: 'Always 1; the version is a label.', labels: ['version'] },
  proofs_events_accepted_total: { kind: 'counter', help: 'Events stored durably.' },
  proofs_events_rejected_total: { kind: 'counter', help: 'Events refused as invalid.' },
  proofs_requests_refused_total: {
    kind: 'counter',
    help: 'Requests answered with an error, by error code of docs/errors.md.',
    labels: ['code'],
  },
  proofs_http_request_seconds: {
    kind: 'histogram',
    help: 'From the request line to the end of the answer.',
    labels: ['route', 'status'],
    buckets: SECONDS,
  },
  proofs_ledger_size: { kind: 'gauge', help: 'Leaves in the ledger, all acknowledged.' },
  proofs_ledger_entries_total: { kind: 'counter', help: 'Leaves appended since the start.' },
  proofs_ledger_bytes_total: { kind: 'counter', help: 'Bytes appended to segments since the start.' },
  proofs_ledger_commit_seconds: {
    kind: 'histogram',
    help: 'One group commit: staging, write, fdatasync, checkpoint, watermark.',
    buckets: SECONDS,
  },
  proofs_ledger_queue_bytes: { kind: 'gauge', help: 'Payload bytes waiting for the writer.' },
  proofs_ledger_queue_requests: { kind: 'gauge', help: 'Requests waiting for the writer.' },
  proofs_ledger_recoveries: {
    kind: 'gauge',
    help: 'Repairs this start had to make (torn tail, damaged slot, lost checkpoint); 0 after a clean stop.',
  },
  proofs_ledger_disk_full: { kind: 'gauge', help: '1 while the last write found the disk full.' },
  proofs_ledger_checkpoint_stale: { kind: 'gauge', help: '1 while the published checkpoint file is older than the head.' },
  proofs_ledger_anchor_reachable: { kind: 'gauge', help: '0 while the checkpoint lock cannot be reached; 1 also when there is none.' },
  proofs_ledger_unanchored_entries: { kind: 'gauge', help: 'Acknowledged leaves that no checkpoint in the lock covers yet.' },
  proofs_ratelimit_requests_total: {
    kind: 'counter',
    help: 'Requests decided: allowed, denied, exempt (allow list), full (no room for another key) or reduced (the shared store is away).',
    labels: ['outcome'],
  },
  proofs_ratelimit_decisions_total: {
    kind: 'counter',
    help: 'What each limit said by itself, dry runs included: allowed or denied.',
    labels: ['limit', 'outcome'],
  },
  proofs_ratelimit_near_limit_total: {
    kind: 'counter',
    help: 'Admissions after which a tenth of the limit or less was left.',
    labels: ['limit'],
  },
  proofs_ratelimit_degraded_total: { kind: 'counter', help: 'Requests decided without the shared store.' },
  proofs_ratelimit_store_up: {
    kind: 'gauge',
    help: '0 while the shared store of the limits cannot be asked; 1 also where none is shared.',
  },
  proofs_ratelimit_store_seconds: {
    kind: 'histogram',
    help: 'One script of decisions: from sending it to the shared store until its answer.',
    buckets: SECONDS,
  },
  proofs_ratelimit_top_denied: {
    kind: 'gauge',
    help: 'Denials in ten seconds of the keys refused most, ten at the most; at least so many, and exactly unless there are many keys.',
    labels: ['limit', 'key'],
  },
  proofs_ratelimit_nodes: { kind: 'gauge', help: 'Nodes that share the limits, this one included.' },
  proofs_ratelimit_keys: { kind: 'gauge', help: 'Keys whose windows this process holds.' },
  proofs_ratelimit_reloads_total: {
    kind: 'counter',
    help: 'Times the limits file was read anew: changed, or refused because something is wrong with it.',
    labels: ['outcome'],
  },
  proofs_ratelimit_clock_jumps_total: { kind: 'counter', help: 'Times the clock of the shared store went ahead and was set right.' },
  proofs_ratelimit_seeded_stamps_total: { kind: 'counter', help: 'Admissions brought back to a shared store that may have lost them.' },
  proofs_receipts_total: { kind: 'counter', help: 'Receipts handed out with events.' },
  proofs_witness_cosignatures_total: { kind: 'counter', help: 'Checkpoints of other logs that this sidecar cosigned.' },
  proofs_witness_refusals_total: {
    kind: 'counter',
    help: 'Checkpoints of other logs that did not begin where the last cosigned one ended; `fork` is another tree of the same size.',
    labels: ['kind'],
  },
  proofs_witness_answers_total: {
    kind: 'counter',
    help: 'What the witnesses of this ledger answered: cosigned, conflict or failed.',
    labels: ['outcome'],
  },
  proofs_witness_conflicts_total: {
    kind: 'counter',
    help: 'Times a witness knew a later or another state of this ledger: it was rolled back or forked.',
  },
  proofs_ledger_tampered: {
    kind: 'gauge',
    help: '1 once the files of the ledger were changed by somebody else; stays until the next start, which checks the ledger first.',
  },
  proofs_ledger_tamper_detections_total: {
    kind: 'counter',
    help: 'Changes by somebody else that the watch found, by kind; see docs/watch.md.',
    labels: ['kind'],
  },
  proofs_watch_up: { kind: 'gauge', help: '1 while the watch over the files looks; 0 when it is off or has died.' },
  proofs_watch_cycle_seconds: {
    kind: 'gauge',
    help: 'How long the last full reading of all full segments took: how old a change below the file system can get.',
  },
  proofs_watch_lag_seconds: { kind: 'gauge', help: 'Since the watch last said that it is looking; it does so four times a second.' },
  proofs_watch_cpu_seconds: { kind: 'gauge', help: 'CPU time of the watch thread since the start.' },
  proofs_archive_leaves: { kind: 'gauge', help: 'Leaves that the archive holds and has a signed checkpoint for.' },
  proofs_archive_lag_leaves: { kind: 'gauge', help: 'Leaves of full segments that are not archived yet.' },
  proofs_archive_errors_total: { kind: 'counter', help: 'Attempts to archive that failed after all their retries.' },
  proofs_ledger_pruned_leaves: { kind: 'gauge', help: 'Leaves that retention removed, and that an entry says were removed.' },
  proofs_versions_changes_total: {
    kind: 'counter',
    help: 'Changes to artifacts and what became of them: done, refused (the caller has to do something) or failed (we have).',
    labels: ['cause', 'outcome'],
  },
  proofs_versions_bytes_total: {
    kind: 'counter',
    help: 'Bytes of contents that came in and were taken to the disk, and that went out.',
    labels: ['direction'],
  },
  proofs_versions_damaged: { kind: 'gauge', help: 'Places below DATA_DIR/versions whose bytes are not those that were stored.' },
  proofs_versions_watchers: { kind: 'gauge', help: 'Clients that follow an artifact.' },
  proofs_bundles_built_total: { kind: 'counter', help: 'Bundles handed out.' },
  proofs_bundle_bytes: {
    kind: 'histogram',
    help: 'Size of the bundles handed out.',
    buckets: [10_000, 50_000, 100_000, 500_000, 1_000_000, 2_500_000, 5_000_000],
  },
} as const satisfies Record<`proofs_${string}`, MetricSpec>;

export type MetricName = keyof typeof METRICS;

/** docs/metrics.md */
export function metricsMarkdown(): string {
  const rows = Object.entries<MetricSpec>(METRICS).map(
    ([name, spec]) => `| \`${name}\` | ${spec.kind} | ${spec.labels?.map((label) => `\`${label}\``).join(' ') ?? ''} | ${spec.help} |`,
  );
  return [
    '# Metrics',
    '',
    '`GET /metrics` in the Prometheus text format. Node.js process metrics come beside these with the prefix `proofs_`.',
    '',
    '| name | kind | labels | meaning |',
    '| --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}
