import autocannon from 'autocannon';
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startSidecar, type Sidecar } from '../support/sidecar.ts';

export interface SoakOptions {
  readonly directory: string;
  readonly seconds: number;
  /** Payload of each event. */
  readonly eventBytes: number;
  readonly log: (line: string) => void;
}

export interface SoakReport {
  seconds: number;
  entries: number;
  bytes: number;
  /** Ledgers that were used: a new one when the disk bound was reached. */
  ledgers: number;
  segmentsRemoved: number;
  backups: number;
  reads: number;
  /** CPU of the watch thread, in per cent of a core. */
  watchCpuPercent: number;
  cycleSeconds: number;
  lagSecondsMax: number;
  rssMiBMax: number;
  /** Must be 0. */
  alerts: number;
  /** What the alerts said, and what else went wrong. */
  readonly wrong: string[];
}

const DISK_BYTES_MAX = 10e9;
/** Retention keeps far below the bound, where the sidecar has it. */
const RETAIN = '1GB';
const CONNECTIONS = 8;
const BODY_BYTES = 230_000;
const SAMPLE_MS = 2_000;
const PAUSE_MS = 200;

/** Full-rate appends with rotation and retention, beside backups and readers: the watch must have nothing to say. */
export async function runWatchSoak(options: SoakOptions): Promise<SoakReport> {
  const report: SoakReport = {
    seconds: 0,
    entries: 0,
    bytes: 0,
    ledgers: 0,
    segmentsRemoved: 0,
    backups: 0,
    reads: 0,
    watchCpuPercent: 0,
    cycleSeconds: 0,
    lagSecondsMax: 0,
    rssMiBMax: 0,
    alerts: 0,
    wrong: [],
  };
  let cpuSeconds = 0;
  while (report.seconds < options.seconds && report.wrong.length === 0) {
    const dataDir = join(options.directory, `ledger-${report.ledgers++}`);
    mkdirSync(dataDir);
    cpuSeconds += await soakLedger(dataDir, options, report);
    rmSync(dataDir, { recursive: true });
  }
  report.watchCpuPercent = Number(((100 * cpuSeconds) / report.seconds).toFixed(2));
  return report;
}

/** One ledger until the time is up or the disk bound is reached; answers the CPU seconds of its watch. */
async function soakLedger(dataDir: string, options: SoakOptions, report: SoakReport): Promise<number> {
  const env = { PROOFS_RETAIN: RETAIN, PROOFS_ANCHOR_DIR: join(options.directory, 'anchor') };
  await using sidecar = await startSidecar({ dataDir, env });
  const secondsLeft = options.seconds - report.seconds;
  const startedMs = performance.now();
  const stop = new AbortController();
  const line = `${JSON.stringify({ level: 'info', message: 'x'.repeat(Math.max(1, options.eventBytes - 40)) })}\n`;
  const body = line.repeat(Math.max(1, Math.floor(BODY_BYTES / line.length)));
  const load = startLoad(`${sidecar.url}/events`, body, secondsLeft);
  const beside = [backUp(dataDir, stop.signal, report), readAround(sidecar, stop.signal, report)];
  const segments = join(dataDir, 'ledger', 'segments');
  let metrics = await sample(sidecar);
  while (performance.now() - startedMs < secondsLeft * 1000) {
    await sleep(SAMPLE_MS);
    metrics = await sample(sidecar);
    note(metrics, report);
    const diskBytes = readdirSync(segments).reduce(
      (sum, name) => sum + (statSync(join(segments, name), { throwIfNoEntry: false })?.size ?? 0),
      0,
    );
    options.log(
      `${Math.round(metrics.get('proofs_ledger_size') ?? 0)} entries, ${Math.round(diskBytes / 1e6)} MB on the disk, ${report.alerts} alerts`,
    );
    if (diskBytes > DISK_BYTES_MAX - 2e9 || report.alerts > 0) break;
  }
  stop.abort();
  await Promise.all([load.stop(), ...beside]);
  report.seconds += (performance.now() - startedMs) / 1000;
  report.entries += metrics.get('proofs_ledger_size') ?? 0;
  report.bytes += metrics.get('proofs_ledger_bytes_total') ?? 0;
  report.segmentsRemoved += countRemoved(segments);
  await stopAndCheck(sidecar, report);
  return metrics.get('proofs_watch_cpu_seconds') ?? 0;
}

function startLoad(url: string, body: string, seconds: number): { stop(): Promise<void> } {
  let end = (): void => undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  const headers = { 'content-type': 'application/x-ndjson' };
  const load = autocannon({ url, connections: CONNECTIONS, duration: seconds, method: 'POST', headers, body }, () => end());
  const stop = (): Promise<void> => {
    load.stop?.();
    return ended;
  };
  return { stop };
}

async function stopAndCheck(sidecar: Sidecar, report: SoakReport): Promise<void> {
  note(await sample(sidecar), report);
  if (report.alerts > 0) report.wrong.push(await (await fetch(`${sidecar.url}/ledger/status`)).text());
  sidecar.kill('SIGTERM');
  const code = await sidecar.exited;
  if (code !== 0) report.wrong.push(`SIGTERM ended with ${code}: ${sidecar.stderr()}`);
  if (sidecar.stderr().includes('ledger-tampered')) report.wrong.push(sidecar.stderr());
}

/** Values of /metrics without labels, and the detections of all kinds together. */
async function sample(sidecar: Sidecar): Promise<ReadonlyMap<string, number>> {
  const text = await (await fetch(`${sidecar.url}/metrics`)).text();
  const values = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [, name, value] = /^(\w+)(?:\{[^}]*\})? (\S+)$/.exec(line) ?? [];
    if (name !== undefined) values.set(name, (values.get(name) ?? 0) + Number(value));
  }
  return values;
}

function note(metrics: ReadonlyMap<string, number>, report: SoakReport): void {
  const value = (name: string): number => metrics.get(name) ?? Number.NaN;
  report.alerts = value('proofs_ledger_tamper_detections_total') + value('proofs_ledger_tampered');
  report.cycleSeconds = value('proofs_watch_cycle_seconds');
  report.lagSecondsMax = Math.max(report.lagSecondsMax, value('proofs_watch_lag_seconds'));
  report.rssMiBMax = Math.max(report.rssMiBMax, Math.round(value('proofs_process_resident_memory_bytes') / 2 ** 20));
  if (value('proofs_watch_up') !== 1) report.wrong.push('the watch is not up');
}

/** Packs the data folder and reads the segments, over and over: what backups do. */
async function backUp(dataDir: string, signal: AbortSignal, report: SoakReport): Promise<void> {
  while (!signal.aborted) {
    await run(['sh', '-c', 'tar --warning=none -cf - . | wc -c; cat ledger/segments/* | wc -c'], dataDir, signal);
    report.backups++;
    await sleep(PAUSE_MS);
  }
}

function run([command, ...args]: readonly string[], cwd: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    // Its own exit code says nothing: tar finds files that grow, cat finds segments that retention removes meanwhile.
    const child = spawn(command, args, { cwd, stdio: 'ignore', signal });
    child.once('error', () => resolve());
    child.once('close', () => resolve());
  });
}

async function readAround(sidecar: Sidecar, signal: AbortSignal, report: SoakReport): Promise<void> {
  for (const path of ['/events?limit=100', '/checkpoint', '/ledger/status', '/tile/0/000'])
    if (!(await read(`${sidecar.url}${path}`))) report.wrong.push(`${path} was not answered`);
  while (!signal.aborted) {
    const size = (await sample(sidecar)).get('proofs_ledger_size') ?? 1;
    if (await read(`${sidecar.url}/ledger/proof?seq=${Math.max(0, size - 300)}`)) report.reads++;
    await sleep(PAUSE_MS);
  }
}

async function read(url: string): Promise<boolean> {
  const response = await fetch(url);
  await response.arrayBuffer();
  return response.status === 200 || response.status === 404;
}

/** Segments that are gone from between the first one and those that are there. */
function countRemoved(segments: string): number {
  const firsts = readdirSync(segments)
    .toSorted()
    .map((name) => Number.parseInt(name, 10));
  return firsts.length < 2 ? 0 : Math.max(0, Math.round((firsts[1] - 65_536) / 65_536));
}
