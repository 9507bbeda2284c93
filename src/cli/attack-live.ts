import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Attack } from '../attack/attack.ts';
import { copyLedger } from '../attack/copy-ledger.ts';
import type { ViewOptions } from '../attack/ledger-view.ts';
import type { LiveRun } from '../attack/live/live-run.ts';
import type { LiveStriker } from '../attack/live/live-striker.ts';
import { UsageError } from './command.ts';

/** The watch reads everything once after a start; an attack in its first moments would measure the start. */
const SETTLE_MS = 600;
/** A start on a long ledger that has no indexes reads all of it. */
const START_MS_MAX = 120_000;
const FRESH_EVENTS = 10;

/** One run: a fresh copy, a sidecar of its own on it, one attack, and how long until /metrics said so. */
export async function attackLive(attack: Attack, options: ViewOptions, striker: LiveStriker): Promise<LiveRun> {
  const copy = copyLedger(options);
  try {
    await using sidecar = await startSidecar(copy.dataDir, copy.keysDir);
    const { url, pid } = sidecar;
    await freshen(url);
    await setTimeout(SETTLE_MS);
    const view = (): ViewOptions => ({ ...options, ...copy, pid });
    return await striker.strike(attack, { url, view, freshen: () => freshen(url), quiet: () => undefined });
  } finally {
    rmSync(dirname(copy.dataDir), { recursive: true, force: true });
  }
}

async function freshen(url: string): Promise<void> {
  const lines = Array.from({ length: FRESH_EVENTS }, (_, index) => `{"level":"info","message":"before the attack, ${index}"}\n`);
  const headers = { 'content-type': 'application/x-ndjson' };
  const response = await fetch(`${url}/events`, { method: 'POST', headers, body: lines.join('') });
  if (response.status !== 201) throw new UsageError(`the sidecar on the copy takes no events: ${await response.text()}`);
  await response.body?.cancel();
}

interface LiveSidecar extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
}

/** This program's own `serve` on the copy: no checkpoint lock, which belongs to the ledger that was copied. */
async function startSidecar(dataDir: string, keysDir: string | undefined): Promise<LiveSidecar> {
  const isBuilt = import.meta.url.endsWith('.js');
  const main = fileURLToPath(new URL(isBuilt ? '../main.js' : '../main.ts', import.meta.url));
  const child = spawn(process.execPath, [main, 'serve'], {
    env: {
      PROOFS_HOST: '127.0.0.1',
      PROOFS_PORT: '0',
      PROOFS_DATA_DIR: dataDir,
      ...(keysDir !== undefined && { PROOFS_KEYS_DIR: keysDir }),
      PROOFS_ANCHOR: 'off',
      PROOFS_WATCH: 'on',
      PROOFS_LOG_LEVEL: 'fatal',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr = (stderr + text).slice(-4000)));
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  const listening = new Promise<string>((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const url = /listening on (http:\/\/\S+)$/.exec(line)?.[1];
      if (url !== undefined) resolve(url);
    });
  });
  const url = await Promise.race([listening, ended, setTimeout(START_MS_MAX, undefined, { ref: false })]);
  if (url === undefined || child.pid === undefined) {
    await kill();
    throw new UsageError(`a sidecar does not start on a copy of this ledger: ${stderr.trim()}`);
  }
  return { url, pid: child.pid, [Symbol.asyncDispose]: kill };
}
