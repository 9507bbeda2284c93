import { appendFileSync, closeSync, openSync } from 'node:fs';
import { STORE_FULL, type Claim, type LimitStore, type StoreAnswer, type StoreVerdict } from './limit-store.ts';
import { LimitsError } from './limits-file.ts';

/** Only the owner reads it: keys are addresses of clients. */
const FILE_MODE = 0o600;

/** One line of the trace. `at` is the decision's time on the store's clock in µs; null when nothing was decided because the table is full. */
export interface TracedDecision {
  readonly at: number | null;
  readonly cost: number;
  readonly admitted: boolean;
  /** The answer to a request that was decided before; nothing was charged. */
  readonly replay: boolean;
  /** Decided without the shared store; `reduced`: refused only because of that. */
  readonly degraded: 'decided' | 'reduced' | null;
  readonly claims: readonly (readonly [key: string, limit: number, windowUs: number, isDryRun: boolean])[];
}

/**
 * A store whose decisions are appended to a file, one JSON line each, so that others can judge them. The lines of a turn of the event loop
 * are one write, which the operating system has when this process is killed. A file that cannot be written ends the trace, not the limiter.
 */
export class TracedStore implements LimitStore, Disposable {
  readonly #store: LimitStore;
  readonly #failed: (error: unknown) => void;
  #fd: number | undefined;
  #lines = '';

  /** Throws LimitsError when the file cannot be opened. */
  constructor(store: LimitStore, file: string, failed: (error: unknown) => void) {
    this.#store = store;
    this.#failed = failed;
    try {
      this.#fd = openSync(file, 'a', FILE_MODE);
    } catch (error) {
      throw new LimitsError([`PROOFS_LIMITS_TRACE: ${error instanceof Error ? error.message : String(error)}`]);
    }
  }

  decide(claims: readonly Claim[], tag?: string): StoreAnswer | Promise<StoreAnswer> {
    const answer = this.#store.decide(claims, tag);
    return answer instanceof Promise ? answer.then((late) => this.#trace(claims, late)) : this.#trace(claims, answer);
  }

  look(claims: readonly Claim[]): StoreVerdict | Promise<StoreVerdict> {
    return this.#store.look(claims);
  }

  [Symbol.dispose](): void {
    this.#write();
    this.#close();
  }

  #trace(claims: readonly Claim[], answer: StoreAnswer): StoreAnswer {
    if (this.#fd === undefined) return answer;
    if (this.#lines === '') setImmediate(() => this.#write());
    const line: TracedDecision = {
      ...(answer === STORE_FULL
        ? { at: null, admitted: false, replay: false, degraded: null }
        : { at: answer.nowUs, admitted: answer.isAdmitted, replay: answer.isReplay, degraded: answer.degraded ?? null }),
      cost: claims[0]?.cost ?? 0,
      claims: claims.map(({ key, rule, isDryRun }) => [key, rule.limit, rule.windowUs, isDryRun]),
    };
    this.#lines += `${JSON.stringify(line)}\n`;
    return answer;
  }

  #write(): void {
    if (this.#fd === undefined || this.#lines === '') return;
    try {
      appendFileSync(this.#fd, this.#lines);
    } catch (error) {
      this.#close();
      this.#failed(error);
    }
    this.#lines = '';
  }

  #close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }
}
