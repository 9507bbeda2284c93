import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from './redis-server.ts';
import { tempDir } from './temp-dir.ts';

const START_MS_MAX = 20_000;

export interface FiringAlert {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly activeAtMs: number;
}

export interface PrometheusServer extends AsyncDisposable {
  readonly url: string;
  /** Alerts that fire now. */
  firing(): Promise<FiringAlert[]>;
}

/** A real Prometheus on a free port of 127.0.0.1 that scrapes these addresses every second and evaluates the rules of these files. */
export async function startPrometheus(targets: readonly string[], ruleFiles: readonly string[]): Promise<PrometheusServer> {
  const port = await freePort();
  const dir = tempDir();
  const config = {
    global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
    rule_files: ruleFiles,
    scrape_configs: [{ job_name: 'post-incident-proofs', static_configs: [{ targets: targets.map((url) => new URL(url).host) }] }],
  };
  // JSON is YAML.
  writeFileSync(join(dir.path, 'prometheus.yml'), JSON.stringify(config));
  const address = `127.0.0.1:${port}`;
  const args = [`--config.file=${join(dir.path, 'prometheus.yml')}`, `--storage.tsdb.path=${join(dir.path, 'data')}`];
  const child = spawn('prometheus', [...args, `--web.listen-address=${address}`, '--log.level=warn'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (log += text));
  const ended = new Promise<Error>((resolve) => {
    child.once('close', () => resolve(new Error(`prometheus ended: ${log}`)));
    child.once('error', (cause) => resolve(new Error('these tests need prometheus: apt-get install prometheus', { cause })));
  });
  const dispose = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
    dir[Symbol.dispose]();
  };
  const url = `http://${address}`;
  const isReady = async (): Promise<boolean> =>
    fetch(`${url}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  const deadlineMs = performance.now() + START_MS_MAX;
  while (!(await isReady())) {
    const failed = await Promise.race([ended, sleep(100, undefined)]);
    if (failed === undefined && performance.now() < deadlineMs) continue;
    await dispose();
    throw failed ?? new Error(`prometheus was not ready within ${START_MS_MAX} ms: ${log}`);
  }
  const firing = async (): Promise<FiringAlert[]> => {
    const { data } = (await (await fetch(`${url}/api/v1/alerts`)).json()) as {
      data: { alerts: { labels: Record<string, string>; state: string; activeAt: string }[] };
    };
    return data.alerts
      .filter(({ state }) => state === 'firing')
      .map(({ labels, activeAt }) => ({ name: labels['alertname'], labels, activeAtMs: Date.parse(activeAt) }));
  };
  return { url, firing, [Symbol.asyncDispose]: dispose };
}
