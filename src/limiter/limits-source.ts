import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import { LimitsError, parseLimits } from './limits-file.ts';
import type { Limits } from './limits.ts';

/** How often the file is looked at. A look is one stat, and finds a file that was exchanged, also through a symbolic link. */
const POLL_MS = 1000;

export interface LimitsEvents {
  /** Other limits are in force. */
  changed(limits: Limits): void;
  /** The file is wrong or unreadable; the limits in force stay. */
  refused(error: LimitsError): void;
}

/** The limits of a file, read again when it changes or when somebody asks. A file that cannot be used changes nothing. */
export class LimitsSource implements Disposable {
  readonly path: string;
  readonly #events: LimitsEvents;
  #current: Limits;

  /** Throws LimitsError: without any limits there is nothing to begin with. */
  constructor(path: string, events: LimitsEvents) {
    this.path = path;
    this.#events = events;
    this.#current = readLimits(path);
    // The timer alone keeps no process alive.
    watchFile(path, { interval: POLL_MS, persistent: false }, () => this.reload());
  }

  get current(): Limits {
    return this.#current;
  }

  reload(): void {
    try {
      const limits = readLimits(this.path);
      if (limits.generation === this.#current.generation) return;
      this.#current = limits;
      this.#events.changed(limits);
    } catch (error) {
      if (!(error instanceof LimitsError)) throw error;
      this.#events.refused(error);
    }
  }

  [Symbol.dispose](): void {
    unwatchFile(this.path);
  }
}

/** The limits in a file. Throws LimitsError. */
export function readLimits(path: string): Limits {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new LimitsError([`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`]);
  }
  return parseLimits(text);
}
