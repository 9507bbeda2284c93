import { cpSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Attack } from '../../src/attack/attack.ts';
import { LedgerView } from '../../src/attack/ledger-view.ts';
import type { LiveRun } from '../../src/attack/live/live-run.ts';
import { LiveStriker } from '../../src/attack/live/live-striker.ts';
import { runTool } from '../support/tools.ts';
import { startSidecar, type Sidecar } from '../support/sidecar.ts';
import type { LiveTemplate } from './attack-live-states.ts';
import { postEvents } from './attack-load.ts';

export interface LiveRunOptions {
  /** How long to wait for the gauge, if not as long as the attack needs. */
  readonly waitMs?: number;
  readonly isImmutable?: boolean;
}

const WATCHED = { PROOFS_ANCHOR: 'off', PROOFS_WATCH: 'on' };
/** The watch reads everything once after a start; an attack in its first moments would measure the start. */
const SETTLE_MS = 600;
/** Sidecars started at a time. They idle until their turn comes, which costs a few percent of a core. */
const SIDE_BY_SIDE = 5;
/** Written just before the attack, in a batch of its own. */
const FRESH_EVENTS = 10;
/** While it is appended to: batches of this many events, one after the other. */
const APPEND_EVENTS = 50;

/** Segments of an earlier life are compared one after the other. */
const FLAG_MS_MAX = 60_000;
const FLAG_POLL_MS = 100;

interface Target extends AsyncDisposable {
  readonly dataDir: string;
  readonly sidecar: Sidecar;
}

/** Runs attacks of the catalogue against real sidecars on copies of a template. */
export class LiveBench implements AsyncDisposable {
  readonly #striker = new LiveStriker();
  readonly #directory: string;
  #runs = 0;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Fills the compile cache, which a killed sidecar does not write: starts are most of the time that all this takes. */
  async warm(): Promise<void> {
    const dataDir = join(this.#directory, 'warm');
    await using sidecar = await startSidecar({ dataDir, env: WATCHED });
    sidecar.kill('SIGTERM');
    await sidecar.exited;
  }

  /** So many runs of one attack, each against a sidecar of its own; a few of them are started at a time, and attacked one by one. */
  async run(attack: Attack, template: LiveTemplate, options: LiveRunOptions, count: number): Promise<LiveRun[]> {
    const runs: LiveRun[] = [];
    while (runs.length < count) {
      await using stack = new AsyncDisposableStack();
      const batch = Math.min(SIDE_BY_SIDE, count - runs.length);
      const prepared = await Promise.all(Array.from({ length: batch }, () => this.#prepare(template, options)));
      for (const target of prepared) stack.use(target);
      await setTimeout(SETTLE_MS);
      for (const target of prepared) runs.push(await this.#attack(attack, template, target, options));
    }
    return runs;
  }

  /** A fresh copy with a sidecar on it that has written a little. */
  async #prepare(template: LiveTemplate, options: LiveRunOptions): Promise<Target> {
    const dataDir = join(this.#directory, `run-${this.#runs++}`, 'data');
    mkdirSync(dataDir, { recursive: true });
    cpSync(template.dataDir, dataDir, { recursive: true, preserveTimestamps: true });
    const env = { ...WATCHED, PROOFS_WATCH_IMMUTABLE: options.isImmutable === true ? 'auto' : 'off' };
    const sidecar = await startSidecar({ dataDir, env });
    await postEvents(sidecar.url, template.warmUp, 'warm up', template.paddingBytes);
    if (options.isImmutable === true) await untilImmutable(join(dataDir, 'ledger', 'segments'));
    const dispose = async (): Promise<void> => {
      await sidecar[Symbol.asyncDispose]();
      if (options.isImmutable === true) runTool('chattr', ['-R', '-i', dataDir], { packageName: 'e2fsprogs' });
      rmSync(join(dataDir, '..'), { recursive: true, force: true });
    };
    return { dataDir, sidecar, [Symbol.asyncDispose]: dispose };
  }

  async #attack(attack: Attack, template: LiveTemplate, { dataDir, sidecar }: Target, { waitMs }: LiveRunOptions): Promise<LiveRun> {
    const { url, pid } = sidecar;
    const stop = new AbortController();
    const isAppending = template.state === 'during append';
    const appending = isAppending ? appendUntil(stop.signal, url, template.paddingBytes) : undefined;
    const olderDir = attack.needs.includes('other-life') ? template.otherLifeDir : template.olderDir;
    const run = await this.#striker.strike(
      attack,
      {
        url,
        view: () => ({ dataDir, at: template.aim(new LedgerView({ dataDir }).acknowledged()), olderDir, pid }),
        freshen: async () => {
          if (!isAppending) await postEvents(url, FRESH_EVENTS, 'fresh', template.paddingBytes);
        },
        quiet: () => stop.abort(),
      },
      waitMs,
    );
    await appending;
    return run;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#striker[Symbol.asyncDispose]();
  }
}

/** The flag is set on a full segment once its content was compared, which takes its turn of the scrub. */
async function untilImmutable(folder: string): Promise<void> {
  const full = readdirSync(folder).toSorted().slice(0, -1);
  const deadline = performance.now() + FLAG_MS_MAX;
  for (const name of full) {
    const hasFlag = (): boolean => /^\S*i/.test(runTool('lsattr', [join(folder, name)], { packageName: 'e2fsprogs' }).output);
    while (!hasFlag()) {
      if (performance.now() > deadline) throw new Error(`${name} did not get the immutable flag within ${FLAG_MS_MAX} ms`);
      await setTimeout(FLAG_POLL_MS);
    }
  }
}

/** Appends until told to stop, or until the sidecar takes no more: some attacks end it, and that is its answer. */
async function appendUntil(signal: AbortSignal, url: string, paddingBytes: number): Promise<void> {
  try {
    for (let batch = 0; !signal.aborted; batch++) await postEvents(url, APPEND_EVENTS, `append ${batch}`, paddingBytes);
  } catch {
    await setTimeout(0);
  }
}
