import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface AttackOrder {
  /** Of the attack, or `undo`. */
  readonly name: string;
  readonly dataDir: string;
  readonly at?: number;
  readonly olderDir?: string;
  readonly pid?: number;
}

export interface AttackAnswer {
  readonly note: string;
  readonly doneNs?: string;
  readonly notPossible?: string;
  readonly prevented?: string;
  /** Answer to `undo`: the writer had overwritten it all. */
  readonly isUndone?: boolean;
}

/** Watch this address, or stop watching and say how long the machine stalled since. */
export interface ObserverOrder {
  readonly watch?: string;
}

export interface ObserverAnswer {
  readonly isReady?: boolean;
  readonly seenNs?: string;
  readonly stallMs?: number;
  /** The sidecar no longer answers. */
  readonly failed?: string;
}

/** Children that still run: none may outlive this process. */
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** A helper process that gets orders and gives answers, a JSON line each. */
export class LiveProcess<Order, Answer> implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  readonly #answers: Answer[] = [];
  #take: ((answer: Answer) => void) | undefined;

  constructor(script: string) {
    const path = fileURLToPath(new URL(script, import.meta.url));
    const child = spawn(process.execPath, [path], { stdio: ['pipe', 'pipe', 'inherit'] });
    running.add(child);
    this.#child = child;
    this.#ended = new Promise((resolve) => {
      child.once('close', () => {
        running.delete(child);
        resolve();
      });
    });
    createInterface({ input: child.stdout }).on('line', (line) => {
      const answer = JSON.parse(line) as Answer;
      if (this.#take === undefined) this.#answers.push(answer);
      else this.#take(answer);
    });
  }

  order(order: Order): void {
    this.#child.stdin?.write(`${JSON.stringify(order)}\n`);
  }

  /** The next answer; undefined when there is none within the time. */
  async answer(withinMs: number): Promise<Answer | undefined> {
    const early = this.#answers.shift();
    if (early !== undefined) return early;
    return new Promise((resolve) => {
      const done = (answer: Answer | undefined): void => {
        clearTimeout(timer);
        this.#take = undefined;
        resolve(answer);
      };
      const timer = setTimeout(done, withinMs, undefined);
      this.#take = done;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }
}
