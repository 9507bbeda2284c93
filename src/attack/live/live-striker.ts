import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Attack } from '../attack.ts';
import type { ViewOptions } from '../ledger-view.ts';
import { HelperProcess } from './helper-process.ts';
import type { LiveRun } from './live-run.ts';
import type { AttackAnswer, AttackOrder, ObserverAnswer, ObserverOrder } from './messages.ts';

/** A detection that takes longer is reported as missed. */
const WAIT_MS = 2000;
/** For what is exempt from the promised time and found by the scrub cycle at the latest; that it was not seen at all is an answer too. */
const WAIT_EXEMPT_MS = 3000;
/** A sidecar that was stopped or killed says nothing, however long one waits. */
const WAIT_SILENT_MS = 300;
const READY_MS_MAX = 10_000;
/** blind-watcher makes 20,000 calls; forging a long ledger takes a second or two. */
const ATTACK_MS_MAX = 60_000;
const BREATH_MS = 50;
const TRIES_MAX = 5;

/** A running sidecar on a copy that may be destroyed. */
export interface LiveTarget {
  readonly url: string;
  /** The ledger as the attacker finds it, right before the attack. */
  view(): ViewOptions;
  /** Writes a few entries: some attacks need them in the running epoch. */
  freshen(): Promise<void>;
  /** Ends what runs beside the attack; called when the wait for the gauge is over, before the attack is undone. */
  quiet(): void;
}

/** How long the gauge of this attack is waited for, unless told otherwise. */
function waitFor({ needs, live }: Attack): number {
  if (needs.includes('sidecar')) return WAIT_SILENT_MS;
  return typeof live === 'object' ? WAIT_EXEMPT_MS : WAIT_MS;
}

/** Attacks running sidecars and measures when they say so; the attacker and the observer are processes of their own. */
export class LiveStriker implements AsyncDisposable {
  readonly #attacker: HelperProcess<AttackOrder, AttackAnswer>;
  readonly #observer: HelperProcess<ObserverOrder, ObserverAnswer>;

  constructor() {
    const isBuilt = import.meta.url.endsWith('.js');
    this.#attacker = new HelperProcess(fileURLToPath(new URL(isBuilt ? './attacker.js' : './attacker.ts', import.meta.url)));
    this.#observer = new HelperProcess(fileURLToPath(new URL(isBuilt ? './observer.js' : './observer.ts', import.meta.url)));
  }

  async strike(attack: Attack, target: LiveTarget, waitMs = waitFor(attack)): Promise<LiveRun> {
    this.#observer.order({ watch: target.url });
    const ready = await this.#observer.answer(READY_MS_MAX);
    if (ready?.isReady !== true) throw new Error(`the sidecar reports tampering before any attack, or nothing: ${JSON.stringify(ready)}`);
    const done = await this.#attack(attack, target);
    const seen = await this.#observer.answer(waitMs);
    target.quiet();
    const stallMs = await this.#stopObserver();
    this.#attacker.order({ ...target.view(), name: 'undo' });
    const isUndone = (await this.#attacker.answer(ATTACK_MS_MAX))?.isUndone === true && seen?.seenNs === undefined;
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
  async #attack({ name }: Attack, target: LiveTarget): Promise<AttackAnswer> {
    for (let attempt = 1; ; attempt++) {
      await target.freshen();
      await setTimeout(BREATH_MS);
      this.#attacker.order({ ...target.view(), name });
      const done = await this.#attacker.answer(ATTACK_MS_MAX);
      if (done === undefined) throw new Error(`${name} did not end within ${ATTACK_MS_MAX} ms`);
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
