import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from './redis-server.ts';
import { startServerProgram } from './server-program.ts';
import { tempDir } from './temp-dir.ts';

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
  const url = `http://${address}`;
  const server = await startServerProgram('prometheus', {
    args: [...args, `--web.listen-address=${address}`, '--log.level=warn'],
    isReady: () =>
      fetch(`${url}/-/ready`).then(
        ({ ok }) => ok,
        () => false,
      ),
  });
  const dispose = async (): Promise<void> => {
    await server[Symbol.asyncDispose]();
    dir[Symbol.dispose]();
  };
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
