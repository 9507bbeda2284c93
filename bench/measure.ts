import { spawn } from 'node:child_process';
import { hash } from 'node:crypto';
import { closeSync, fdatasyncSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { builtMain } from '../tools/built-main.ts';

/** What this machine does in the same run: figures of different machines compare only through these. */
export interface Calibration {
  readonly cpu: string;
  readonly cores: number;
  readonly node: string;
  /** One-shot SHA-256 of 256 bytes, calls a second on one core. */
  readonly sha256PerS: number;
  /** write of 256 KiB + fdatasync, times a second, and the bytes a second that makes. */
  readonly diskSyncsPerS: number;
  readonly diskBytesPerS: number;
}

const CALIBRATION_MS = 2000;

export function calibrate(): Calibration {
  const bytes = Buffer.alloc(256, 7);
  const sha256PerS = perSecond(() => {
    for (let i = 0; i < 1000; i++) hash('sha256', bytes, 'latin1');
    return 1000;
  });
  const directory = mkdtempSync(join(tmpdir(), 'proofs-bench-'));
  const fd = openSync(join(directory, 'raw'), 'w');
  const block = Buffer.alloc(256 * 1024, 7);
  const diskSyncsPerS = perSecond(() => {
    writeSync(fd, block);
    fdatasyncSync(fd);
    return 1;
  });
  closeSync(fd);
  rmSync(directory, { recursive: true });
  const round = Math.round;
  return {
    cpu: cpus()[0].model,
    cores: cpus().length,
    node: process.version,
    sha256PerS: round(sha256PerS),
    diskSyncsPerS: round(diskSyncsPerS),
    diskBytesPerS: round(diskSyncsPerS * block.length),
  };
}

function perSecond(work: () => number): number {
  const startMs = performance.now();
  let done = 0;
  while (performance.now() - startMs < CALIBRATION_MS) done += work();
  return (done * 1000) / (performance.now() - startMs);
}

export interface BenchSidecar extends AsyncDisposable {
  readonly url: string;
  readonly dataDir: string;
  /** File of the checkpoint lock: what an auditor would have kept. */
  anchorFile(): string;
  /** Resident set, bytes. */
  rss(): number;
  /** Processor seconds used so far. */
  cpuSeconds(): number;
  /** Leaves in the ledger. */
  size(): Promise<number>;
}

/** A real sidecar in a process of its own with its default settings; its folders, the checkpoint lock's too, are fresh. */
export async function benchSidecar(): Promise<BenchSidecar> {
  const directory = mkdtempSync(join(tmpdir(), 'proofs-bench-'));
  const [dataDir, anchorDir] = [join(directory, 'data'), join(directory, 'anchors')];
  const child = spawn(process.execPath, [builtMain(), 'serve'], {
    env: {
      ...process.env,
      PROOFS_PORT: '0',
      PROOFS_DATA_DIR: dataDir,
      PROOFS_ANCHOR_DIR: anchorDir,
      PROOFS_LOG_LEVEL: 'error',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const url = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', (line) => resolve(line.slice(line.indexOf('http://'))));
    void exited.then(() => reject(new Error('the sidecar ended before it listened')));
  });
  return {
    url,
    dataDir,
    anchorFile: () => join(anchorDir, readdirSync(anchorDir).find((name) => name.endsWith('.checkpoint')) ?? ''),
    rss: () => Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) * 1024,
    cpuSeconds: () => {
      const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1].split(' ');
      // utime and stime, in ticks of 10 ms (proc(5)).
      return (Number(fields[11]) + Number(fields[12])) / 100;
    },
    size: async () => ((await (await fetch(`${url}/ledger/status`)).json()) as { size: number }).size,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await exited;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** `count` events of `eventBytes` bytes each, as producers send them (keys not sorted), one a line. */
export function ndjsonBody(count: number, eventBytes: number): string {
  const lines = Array.from({ length: count }, (_, i) => {
    const event = {
      time: 1_767_323_045_000 + i,
      level: 'info',
      tenant: `team-${i % 7}`,
      message: '',
      attributes: { user: i, path: '/api/v1/items' },
    };
    const missing = eventBytes - JSON.stringify(event).length;
    return JSON.stringify({ ...event, message: 'm'.repeat(Math.max(0, missing)) });
  });
  return `${lines.join('\n')}\n`;
}
