import type { ViewOptions } from '../ledger-view.ts';

/** To the attacker: an attack of the catalogue, or `undo` for what the last one left running. */
export interface AttackOrder extends ViewOptions {
  readonly name: string;
}

export interface AttackAnswer {
  readonly note: string;
  /** CLOCK_MONOTONIC right after the last system call. */
  readonly doneNs?: string;
  readonly notPossible?: string;
  /** What the immutable flag answered. */
  readonly prevented?: string;
  /** Answer to `undo`: the writer had overwritten it all. */
  readonly isUndone?: boolean;
}

/** To the observer: watch this address, or stop watching and say how long the machine stalled since. */
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
