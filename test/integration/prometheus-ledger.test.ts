import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startPrometheus } from '../support/prometheus-server.ts';
import { startSidecar } from '../support/sidecar.ts';
import { tempDir } from '../support/temp-dir.ts';
import { runTool } from '../support/tools.ts';

const RULES = resolve('prometheus/rules/ledger.yml');
/** What docs/watch.md states, with 1 s between scrapes and between evaluations. */
const SILENCE_MS_MAX = 5000;
/** A machine that runs other tests beside may hold up either. */
const PATIENCE_MS = 30_000;

const SIDECAR = 'instance="one:1", job="post-incident-proofs"';
/** Each alert: a series that raises it, and the same series when all is well. */
const CASES: Readonly<Record<string, { readonly series: string; readonly bad: string; readonly good: string }>> = {
  ProofsLedgerTampered: { series: `proofs_ledger_tampered{${SIDECAR}}`, bad: '0x5 1x20', good: '0x30' },
  ProofsSidecarSilent: { series: `up{${SIDECAR}}`, bad: '1x5 0x20', good: '1x30' },
  ProofsSidecarAbsent: { series: 'up{job="another"}', bad: '1x30', good: '1x30' },
  ProofsWatchDown: { series: `proofs_watch_up{${SIDECAR}}`, bad: '1x5 0x30', good: '1x30' },
  ProofsWatchLate: { series: `proofs_watch_lag_seconds{${SIDECAR}}`, bad: '0x5 3x30', good: '1x30' },
  ProofsAnchorUnreachable: { series: `proofs_ledger_anchor_reachable{${SIDECAR}}`, bad: '1x5 0x90', good: '1x90' },
  ProofsDiskFull: { series: `proofs_ledger_disk_full{${SIDECAR}}`, bad: '0x5 1x20', good: '0x30' },
};

/** Asks promtool which alerts fire `atSeconds` after the start of these series. */
function assertFiring(
  series: readonly { series: string; values: string }[],
  atSeconds: number,
  alertname: string,
  isFiring: boolean,
): void {
  using dir = tempDir();
  const query = `count(ALERTS{alertname="${alertname}", alertstate="firing"}) or vector(0)`;
  const expected = { eval_time: `${atSeconds}s`, expr: query, exp_samples: [{ labels: '{}', value: isFiring ? 1 : 0 }] };
  const tests = [{ interval: '1s', input_series: series, promql_expr_test: [expected] }];
  const path = join(dir.path, 'rules.test.yml');
  writeFileSync(path, JSON.stringify({ rule_files: [RULES], evaluation_interval: '1s', tests }));
  const { status, output } = runTool('promtool', ['test', 'rules', path], { packageName: 'prometheus' });
  expect([alertname, isFiring, status], output).toEqual([alertname, isFiring, 0]);
}

describe('alert rules of the ledger', () => {
  it('are those that are tried here', () => {
    const names = readFileSync(RULES, 'utf8').match(/(?<=alert: )\w+/g);
    expect(names?.toSorted()).toEqual(Object.keys(CASES).toSorted());
  });

  it.each(Object.entries(CASES))('%s fires when it should and only then', (name, { series, bad, good }) => {
    const others = name === 'ProofsSidecarAbsent' ? [] : [{ series: `up{instance="two:1", job="post-incident-proofs"}`, values: '1x120' }];
    assertFiring([{ series, values: bad }, ...others], bad.includes('x90') ? 80 : 22, name, true);
    const well = name === 'ProofsSidecarAbsent' ? [{ series: `up{${SIDECAR}}`, values: good }] : others;
    assertFiring([{ series, values: good }, ...well], good.includes('x90') ? 80 : 22, name, false);
  });

  it('do not forget tampering when the sidecar is started again', () => {
    assertFiring([{ series: CASES['ProofsLedgerTampered'].series, values: '0x5 1x5 0x30' }], 35, 'ProofsLedgerTampered', true);
  });
});

describe('a real Prometheus', () => {
  it('pages when a sealed byte is changed, and when a sidecar falls silent', { timeout: 120_000 }, async () => {
    using dirs = tempDir();
    const start = (name: string) => startSidecar({ dataDir: join(dirs.path, name), env: { PROOFS_WATCH: 'on' } });
    await using stopped = await start('stopped');
    await using killed = await start('killed');
    await using tampered = await start('tampered');
    const sidecars = { stopped, killed, tampered };
    await using prometheus = await startPrometheus(
      Object.values(sidecars).map(({ url }) => url),
      [RULES],
    );
    const instance = (sidecar: { url: string }): string => new URL(sidecar.url).host;
    const alertsOf = async (sidecar: { url: string }): Promise<string[]> =>
      (await prometheus.firing()).filter(({ labels }) => labels['instance'] === instance(sidecar)).map(({ name }) => name);
    const upOf = async (): Promise<number> => {
      const answer = await fetch(`${prometheus.url}/api/v1/query?query=${encodeURIComponent('sum(up)')}`);
      const { data } = (await answer.json()) as { data: { result: { value: [number, string] }[] } };
      return Number(data.result[0]?.value[1] ?? 0);
    };
    await expect.poll(upOf, { timeout: PATIENCE_MS }).toBe(3);
    // Before the first scrape nobody is there.
    await expect.poll(() => prometheus.firing(), { timeout: PATIENCE_MS }).toEqual([]);

    const watermark = join(dirs.path, 'tampered', 'ledger', 'watermark');
    const bytes = readFileSync(watermark);
    bytes[100] ^= 1;
    writeFileSync(watermark, bytes);
    const silentSinceMs = Date.now();
    stopped.kill('SIGSTOP');
    killed.kill('SIGKILL');
    await expect.poll(() => alertsOf(tampered), { timeout: PATIENCE_MS }).toEqual(['ProofsLedgerTampered']);
    for (const silent of [stopped, killed]) {
      await expect.poll(() => alertsOf(silent), { timeout: PATIENCE_MS }).toEqual(['ProofsSidecarSilent']);
      const alert = (await prometheus.firing()).find(({ labels }) => labels['instance'] === instance(silent));
      expect((alert?.activeAtMs ?? Infinity) - silentSinceMs).toBeLessThan(SILENCE_MS_MAX);
    }
  });
});
