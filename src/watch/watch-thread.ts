import { parentPort, workerData } from 'node:worker_threads';
import type { FromWatch, ToWatch, WatchThreadOptions } from './ports.ts';
import { TICK_MS, Watch } from './watch.ts';

/** Ticks that may fail one after the other (no descriptors, no memory) before the thread gives up, which is told as a dead watch. */
const FAILURES_MAX = 50;

/** The clockwork of the watch. It lives in a thread of its own, so that nothing the sidecar does keeps it from looking. */
class Clockwork {
  readonly #options: WatchThreadOptions;
  readonly #post: (message: FromWatch) => void;
  #watch: Watch | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isHurrying = false;
  #failures = 0;

  constructor(options: WatchThreadOptions, post: (message: FromWatch) => void) {
    this.#options = options;
    this.#post = post;
  }

  receive(message: ToWatch): void {
    if (message.kind === 'roots') this.#attempt(() => this.#watch?.answerRoots(message.first, message.roots));
    else if (message.kind === 'begin') {
      this.#watch = new Watch(this.#options, this.#post, () => this.#hurry());
      this.#schedule(0);
    } else {
      clearTimeout(this.#timer);
      this.#watch?.close();
      this.#watch = undefined;
    }
    this.#hurry();
  }

  #schedule(afterMs: number): void {
    this.#timer = setTimeout(() => {
      const startedMs = performance.now();
      // Not in the timer itself: events that are due are delivered between it and here.
      setImmediate(() => {
        if (this.#watch === undefined) return;
        this.#attempt(() => this.#watch?.tick());
        this.#schedule(Math.max(1, TICK_MS - (performance.now() - startedMs)));
        this.#hurry();
      });
    }, afterMs);
  }

  #hurry(): void {
    if (this.#isHurrying || this.#watch?.isUrgent !== true) return;
    this.#isHurrying = true;
    setImmediate(() => {
      this.#isHurrying = false;
      this.#attempt(() => this.#watch?.hurry());
      this.#hurry();
    });
  }

  #attempt(action: () => void): void {
    try {
      action();
      this.#failures = 0;
    } catch (error) {
      this.#failures++;
      if (this.#failures >= FAILURES_MAX) throw error;
      if (this.#failures === 1) this.#post({ kind: 'trouble', message: error instanceof Error ? error.message : String(error) });
    }
  }
}

if (parentPort !== null) {
  const port = parentPort;
  const clockwork = new Clockwork(workerData as WatchThreadOptions, (message) => port.postMessage(message));
  port.on('message', (message: ToWatch) => {
    clockwork.receive(message);
    if (message.kind === 'close') port.close();
  });
}
