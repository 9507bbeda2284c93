import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { NOT_WATCHED } from '../../src/kernel/detection.ts';
import { METRICS, metricsMarkdown, type MetricSpec } from '../../src/observe/metric-table.ts';
import { Observer } from '../../src/observe/observer.ts';

const SPECS = Object.entries<MetricSpec>(METRICS);
const STATS = {
  queuedBytes: 5,
  queuedRequests: 2,
  recoveries: 1,
  isDiskFull: true,
  isCheckpointStale: true,
  isAnchorReachable: true,
  unanchoredEntries: 0,
  epochs: { isSealing: true, running: 3, sealedUpTo: 70, forwardSecurity: 'in force' },
};

function observe(): { observer: Observer; lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) });
  return { observer: new Observer(log, '9.8.7'), lines };
}

describe('the table of metrics', () => {
  it('follows the conventions of Prometheus: base units, and _total for counters only', () => {
    for (const [name, { kind, buckets }] of SPECS) {
      expect(name).toMatch(/^proofs_[a-z]+(_[a-z]+)*$/);
      expect(name.endsWith('_total'), name).toBe(kind === 'counter');
      expect(buckets !== undefined, name).toBe(kind === 'histogram');
      expect(buckets ?? []).toEqual((buckets ?? []).toSorted((a, b) => a - b));
      expect(name).not.toMatch(/_(ms|kb|mb|micros)(_|$)/);
    }
  });

  it('is docs/metrics.md, row by row', () => {
    const rows = metricsMarkdown()
      .split('\n')
      .filter((line) => line.startsWith('| `'));
    expect(rows.map((row) => /^\| `([^`]+)`/.exec(row)?.[1])).toEqual(SPECS.map(([name]) => name));
    for (const [i, [, spec]] of SPECS.entries()) {
      expect(rows[i]).toContain(`| ${spec.kind} |`);
      expect(rows[i]).toContain(spec.help);
      for (const label of spec.labels ?? []) expect(rows[i]).toContain(`\`${label}\``);
    }
  });
});

describe('Observer', () => {
  it('shows what the ledger says at the moment of asking', async () => {
    const { observer } = observe();
    const text = await observer.metrics(77, STATS, NOT_WATCHED);
    for (const sample of [
      'proofs_build_info{version="9.8.7"} 1',
      'proofs_ledger_size 77',
      'proofs_ledger_queue_bytes 5',
      'proofs_ledger_queue_requests 2',
      'proofs_ledger_recoveries 1',
      'proofs_ledger_disk_full 1',
      'proofs_ledger_checkpoint_stale 1',
    ]) {
      expect(text.split('\n')).toContain(sample);
    }
    const calm = await observer.metrics(78, { ...STATS, isDiskFull: false, isCheckpointStale: false }, NOT_WATCHED);
    expect(calm).toContain('proofs_ledger_disk_full 0\n');
    expect(calm).toContain('proofs_ledger_checkpoint_stale 0\n');
  });

  it('counts and logs a refusal in one go, ours louder than theirs', async () => {
    const { observer, lines } = observe();
    observer.requestRefused('too-large', 413, 'more than allowed', 'id-1');
    observer.requestRefused('disk-full', 507, 'no space', 'id-2');
    const text = await observer.metrics(0, STATS, NOT_WATCHED);
    expect(text).toContain('proofs_requests_refused_total{code="too-large"} 1');
    expect(text).toContain('proofs_requests_refused_total{code="disk-full"} 1');
    expect(lines).toMatchObject([
      { level: 30, code: 'too-large', status: 413, requestId: 'id-1', msg: 'more than allowed' },
      { level: 50, code: 'disk-full', status: 507, requestId: 'id-2', msg: 'no space' },
    ]);
  });

  it('raises the alarm when the files were changed: gauge, counter by kind, one line', async () => {
    const { observer, lines } = observe();
    const detection = {
      kind: 'content',
      file: 'ledger/watermark',
      bytes: null,
      seqs: null,
      detectedNs: 1n,
      evidence: 'other bytes',
    } as const;
    expect(await observer.metrics(0, STATS, NOT_WATCHED)).toContain('proofs_ledger_tamper_detections_total{kind="content"} 0');
    observer.tamperDetected(detection, true);
    observer.tamperDetected(detection, false);
    const text = await observer.metrics(0, STATS, { ...NOT_WATCHED, state: 'watching', isTampered: true });
    expect(text).toContain('proofs_ledger_tampered 1\n');
    expect(text).toContain('proofs_ledger_tamper_detections_total{kind="content"} 2');
    expect(text).toContain('proofs_watch_up 1\n');
    expect(lines).toMatchObject([
      { level: 50, alert: 'ledger-tampered', kind: 'content', file: 'ledger/watermark', evidence: 'other bytes' },
    ]);
  });

  it('counts and logs what becomes of changes to artifacts, from the first one on', async () => {
    const { observer, lines } = observe();
    expect(await observer.metrics(0, STATS, NOT_WATCHED)).toContain('proofs_versions_changes_total{cause="revert",outcome="failed"} 0\n');
    observer.versionChanged('rollback', 'done', 'app.json', 'version 3 restores 1');
    observer.versionChanged('put', 'failed', 'app.json', 'the disk failed');
    observer.contentMoved('in', 12);
    observer.watchersAt(2);
    const text = await observer.metrics(0, STATS, NOT_WATCHED, undefined, 4);
    for (const sample of [
      'proofs_versions_changes_total{cause="rollback",outcome="done"} 1',
      'proofs_versions_changes_total{cause="put",outcome="failed"} 1',
      'proofs_versions_bytes_total{direction="in"} 12',
      'proofs_versions_watchers 2',
      'proofs_versions_damaged 4',
    ])
      expect(text.split('\n')).toContain(sample);
    expect(lines).toMatchObject([
      { level: 30, artifact: 'app.json', cause: 'rollback', outcome: 'done', msg: 'version 3 restores 1' },
      { level: 50, artifact: 'app.json', cause: 'put', outcome: 'failed', msg: 'the disk failed' },
    ]);
  });

  it('keeps two sidecars in one process apart', async () => {
    const [one, other] = [observe().observer, observe().observer];
    one.eventsAccepted(3, 1);
    expect(await one.metrics(0, STATS, NOT_WATCHED)).toContain('proofs_events_accepted_total 3\n');
    expect(await other.metrics(0, STATS, NOT_WATCHED)).toContain('proofs_events_accepted_total 0\n');
  });
});
