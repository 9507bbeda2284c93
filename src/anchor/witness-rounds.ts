import type { LedgerHead, LedgerReader } from '../ledger/ports.ts';
import { askWitness, type WitnessAnswer } from './ask-witness.ts';
import type { WitnessPeer } from './witness-lists.ts';

/** One of our checkpoints with what witnesses gave for it. */
export interface WitnessedCheckpoint {
  /** The whole note. */
  readonly note: string;
  readonly size: number;
  /** Signature lines, verified, each with its newline. */
  readonly cosignatures: readonly string[];
}

export interface WitnessRoundsOptions {
  readonly peers: readonly WitnessPeer[];
  readonly ledger: LedgerReader;
  readonly intervalMs: number;
  /** Keeps the latest checkpoint with its cosignatures on the disk. */
  readonly keep: (witnessed: WitnessedCheckpoint) => Promise<void>;
  /** Told once per answer. */
  readonly answered: (peer: WitnessPeer, answer: WitnessAnswer) => void;
  readonly keepFailed: (error: unknown) => void;
}

/**
 * Collects cosignatures for our checkpoints: after commits, at most one round in `intervalMs`, all witnesses at once. Knows no more of a
 * witness between two lives than the first answer tells.
 */
export class WitnessRounds {
  readonly #options: WitnessRoundsOptions;
  readonly #knownSizes = new Map<WitnessPeer, number>();
  readonly #conflicts = new Map<WitnessPeer, string>();
  #witnessed: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #round: Promise<void> = Promise.resolve();
  #lastRoundMs = -Infinity;
  #isStopped = false;

  constructor(options: WitnessRoundsOptions) {
    this.#options = options;
  }

  /** The newest of our checkpoints that any witness cosigned, with the cosignatures. */
  get witnessed(): string | undefined {
    return this.#witnessed;
  }

  /** What witnesses know that contradicts this ledger; it stays until they cosign again. */
  get conflicts(): readonly string[] {
    return [...this.#conflicts].map(([peer, detail]) => `witness "${peer.key.name}": ${detail}`);
  }

  /** There may be a new head: asks now, or when the interval is over. */
  wake(): void {
    if (this.#isStopped || this.#timer !== undefined || this.#options.peers.length === 0) return;
    const waitMs = Math.max(0, this.#lastRoundMs + this.#options.intervalMs - performance.now());
    this.#timer = setTimeout(() => void (this.#round = this.#ask()), waitMs).unref();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#round;
  }

  async #ask(): Promise<void> {
    const { ledger, peers, answered } = this.#options;
    const head = ledger.head();
    const answers = await Promise.all(peers.map((peer) => askWitness(peer, ledger, head, this.#knownSizes.get(peer) ?? 0)));
    for (const [index, answer] of answers.entries()) {
      const peer = peers[index];
      if (answer.outcome === 'cosigned') {
        this.#knownSizes.set(peer, answer.size);
        this.#conflicts.delete(peer);
      } else if (answer.outcome === 'conflict') this.#conflicts.set(peer, answer.detail);
      answered(peer, answer);
    }
    await this.#keep(head, answers);
    this.#lastRoundMs = performance.now();
    this.#timer = undefined;
    // Commits during the round asked for another one; a witness that could not be reached is asked again.
    if (ledger.head().size > head.size || answers.some(({ outcome }) => outcome === 'failed')) this.wake();
  }

  async #keep(head: LedgerHead, answers: readonly WitnessAnswer[]): Promise<void> {
    const cosignatures = answers.flatMap((answer) => (answer.outcome === 'cosigned' ? [answer.line] : []));
    if (cosignatures.length === 0) return;
    this.#witnessed = head.checkpoint + cosignatures.join('');
    try {
      await this.#options.keep({ note: this.#witnessed, size: head.size, cosignatures });
    } catch (error) {
      // It is a copy: the next round writes another, and the ledger does not rest on it.
      this.#options.keepFailed(error);
    }
  }
}
