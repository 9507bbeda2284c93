import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Attack } from '../../src/attack/attack.ts';
import { LedgerView } from '../../src/attack/ledger-view.ts';
import { runTool } from '../support/tools.ts';
import { startSidecar, type Sidecar } from '../support/sidecar.ts';
import { LiveProcess, type AttackAnswer, type AttackOrder, type ObserverAnswer, type ObserverOrder } from './attack-live-processes.ts';
import type { LiveTemplate } from './attack-live-states.ts';
import { postEvents } from './attack-load.ts';

export interface LiveRun {
  /** From the attacker's last system call to the gauge on /metrics; negative when it was seen before the attack was finished. */
  readonly latencyMs: number | undefined;
  /** The longest that the machine held up a thread that only sleeps. */
  readonly stallMs: number;
  /** Why the attack could not be done here, or what stopped it. */
  readonly notPossible?: string;
  readonly prevented?: string;
  /** Not seen, and overwritten by the writer's next commit: nothing of it was left. */
  readonly isUndone?: boolean;
  /** The sidecar ended before the gauge was read. */
  readonly failed?: string;
  /** What was done; not kept. */
  readonly note?: string;
}

export interface LiveRunOptions {
  /** How long to wait for the gauge. */
  readonly waitMs: number;
  readonly isImmutable?: boolean;
}

/** The watch reads everything once after a start; an attack in its first moments would measure the start. */
const SETTLE_MS = 600;
const READY_MS_MAX = 10_000;
/** blind-watcher makes 20,000 calls; forging a long ledger takes a second or two. */
const ATTACK_MS_MAX = 60_000;
/** Sidecars started at a time. They idle until their turn comes, which costs a few percent of a core. */
const SIDE_BY_SIDE = 5;
/** Written just before the attack, in a batch of its own. */
const FRESH_EVENTS = 10;
const BREATH_MS = 50;
const TRIES_MAX = 5;
/** While it is appended to: batches of this many events, one after the other. */
const APPEND_EVENTS = 50;

interface Target extends AsyncDisposable {
  readonly dataDir: string;
  readonly sidecar: Sidecar;
}

/** Runs attacks against real sidecars; the attacker and the observer are processes of their own. */
export class LiveBench implements AsyncDisposable {
  readonly #attacker = new LiveProcess<AttackOrder, AttackAnswer>('./attack-live-attacker.ts');
  readonly #observer = new LiveProcess<ObserverOrder, ObserverAnswer>('./attack-live-observer.ts');
  readonly #directory: string;
  #runs = 0;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Fills the compile cache, which a killed sidecar does not write: starts are most of the time that all this takes. */
  async warm(): Promise<void> {
    const dataDir = join(this.#directory, 'warm');
    await using sidecar = await startSidecar({ dataDir, env: this.#env });
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

  get #env(): Readonly<Record<string, string>> {
    return { PROOFS_ANCHOR: 'off', PROOFS_WATCH: 'on', NODE_COMPILE_CACHE: join(this.#directory, 'compile-cache') };
  }

  /** A fresh copy with a sidecar on it that has written a little. */
  async #prepare(template: LiveTemplate, options: LiveRunOptions): Promise<Target> {
    const dataDir = join(this.#directory, `run-${this.#runs++}`, 'data');
    mkdirSync(dataDir, { recursive: true });
    cpSync(template.dataDir, dataDir, { recursive: true, preserveTimestamps: true });
    const env = { ...this.#env, PROOFS_WATCH_IMMUTABLE: options.isImmutable === true ? 'auto' : 'off' };
    const sidecar = await startSidecar({ dataDir, env });
    await postEvents(sidecar.url, template.warmUp, 'warm up', template.paddingBytes);
    const dispose = async (): Promise<void> => {
      await sidecar[Symbol.asyncDispose]();
      if (options.isImmutable === true) runTool('chattr', ['-R', '-i', dataDir], { packageName: 'e2fsprogs' });
      rmSync(join(dataDir, '..'), { recursive: true, force: true });
    };
    return { dataDir, sidecar, [Symbol.asyncDispose]: dispose };
  }

  async #attack(attack: Attack, template: LiveTemplate, target: Target, { waitMs }: LiveRunOptions): Promise<LiveRun> {
    const { dataDir, sidecar } = target;
    const stop = new AbortController();
    const appending = template.state === 'during append' ? appendUntil(stop.signal, sidecar.url, template.paddingBytes) : undefined;
    this.#observer.order({ watch: sidecar.url });
    const ready = await this.#observer.answer(READY_MS_MAX);
    if (ready?.isReady !== true) throw new Error(`the sidecar reports tampering before any attack, or nothing: ${JSON.stringify(ready)}`);

    const done = await this.#strike(attack, template, target);
    const seen = await this.#observer.answer(waitMs);
    stop.abort();
    const stallMs = await this.#stopObserver();
    this.#attacker.order({ name: 'undo', dataDir });
    const isUndone = (await this.#attacker.answer(ATTACK_MS_MAX))?.isUndone === true && seen?.seenNs === undefined;
    await appending;

    const { note, notPossible, prevented, doneNs } = done;
    const isSeen = seen?.seenNs !== undefined && doneNs !== undefined;
    const latencyMs = isSeen ? Number(BigInt(seen.seenNs ?? 0) - BigInt(doneNs)) / 1e6 : undefined;
    return {
      latencyMs,
      stallMs,
      note,
      ...(notPossible && { notPossible }),
      ...(prevented && { prevented }),
      ...(isUndone && { isUndone }),
      ...(seen?.failed && { failed: seen.failed }),
    };
  }

  /** Some attacks need entries in the running epoch, which is sealed within a second: then there are new ones, and another try. */
  async #strike(attack: Attack, template: LiveTemplate, { dataDir, sidecar }: Target): Promise<AttackAnswer> {
    const olderDir = attack.needs.includes('other-life') ? template.otherLifeDir : template.olderDir;
    for (let attempt = 1; ; attempt++) {
      if (template.state !== 'during append') await postEvents(sidecar.url, FRESH_EVENTS, 'fresh', template.paddingBytes);
      await setTimeout(BREATH_MS);
      const at = template.aim(new LedgerView({ dataDir }).acknowledged());
      this.#attacker.order({ name: attack.name, dataDir, at, olderDir, pid: sidecar.pid });
      const done = await this.#attacker.answer(ATTACK_MS_MAX);
      if (done === undefined) throw new Error(`${attack.name} did not end within ${ATTACK_MS_MAX} ms`);
      if (done.notPossible === undefined || attempt === TRIES_MAX) return done;
    }
  }

  async #stopObserver(): Promise<number> {
    this.#observer.order({});
    for (;;) {
      const answer = await this.#observer.answer(READY_MS_MAX);
      if (answer === undefined) throw new Error('the observer does not answer');
      if (answer.stallMs !== undefined) return answer.stallMs;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#attacker[Symbol.asyncDispose]();
    await this.#observer[Symbol.asyncDispose]();
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
