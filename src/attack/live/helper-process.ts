import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';

/** A process of its own that gets orders and gives answers, a JSON line each. It ends when its stdin does, so also when we are killed. */
export class HelperProcess<Order, Answer> implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  readonly #answers: Answer[] = [];
  #take: ((answer: Answer) => void) | undefined;

  constructor(script: string) {
    const child = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#child = child;
    this.#ended = new Promise((resolve) => child.once('close', () => resolve()));
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
