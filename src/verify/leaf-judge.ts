import { readU16, readU32 } from '../kernel/bytes.ts';
import { FRAME_PREFIX_BYTES, LEAF_HEADER_BYTES, LEAF_MAC_BYTES } from '../kernel/leaf.ts';
import { NO_PREVIOUS_MAC, type ChainMac } from './chain-mac.ts';
import { sightFrame } from './frame-scan.ts';
import type { LeafCheck, LeafFault } from './leaf-check.ts';
import type { SegmentState } from './segment-state.ts';
import type { SegmentWindow } from './segment-window.ts';
import type { WalkTask } from './walk-task.ts';

/** A fault with what it means for reading on. */
export interface Damage extends LeafFault {
  /** Its MAC fits: it was written like this, and nothing around it is in doubt. */
  readonly isMacGood: boolean;
}

export const BROKEN_FRAME: Damage = { expected: 'a frame', found: 'a length that does not fit', isMacGood: false };

/** Says whether a leaf is the one that was written: by its MAC where there is a key, and by the rules that every leaf keeps. */
export class LeafJudge {
  readonly #task: WalkTask;
  readonly #window: SegmentWindow;
  readonly #check: LeafCheck;
  readonly #state: SegmentState;
  /** There was damage since the last leaf that is certain to be in the epoch, and under the key, that is known. */
  isEpochInDoubt = false;

  constructor(task: WalkTask, window: SegmentWindow, check: LeafCheck, state: SegmentState) {
    this.#task = task;
    this.#window = window;
    this.#check = check;
    this.#state = state;
  }

  /** What is wrong with the leaf buffer[from, end), whose frame begins at byte `at`; undefined when it is sound as far as can be said. */
  damageOf(from: number, end: number, at: number): Damage | undefined {
    const { buffer } = this.#window;
    const stored = buffer.toString('latin1', end - LEAF_MAC_BYTES, end);
    if (this.isEpochInDoubt) this.#settleEpoch(stored, from, end);
    const chain = this.#task.keys.current;
    if (stored === NO_PREVIOUS_MAC) return { expected: 'a leaf with a MAC', found: 'zeros', verdict: 'DOWNGRADE', isMacGood: false };
    const isMacGood = chain !== undefined && this.#isMacRight(chain, stored, from, end);
    if (isMacGood || chain === undefined || !this.#state.isChained) {
      const fault = this.#check.fault(buffer, from, end) ?? this.#commitFault(from);
      if (fault !== undefined) return { ...fault, isMacGood };
      const isAhead = chain === undefined && this.#isAheadOfNext(from, at + FRAME_PREFIX_BYTES + end - from);
      return isAhead ? { expected: 'a time not after that of the next leaf', found: 'a later one', isMacGood } : undefined;
    }
    const fault = this.#check.fault(buffer, from, end);
    if (fault?.verdict !== undefined) return { ...fault, isMacGood };
    const found = fault === undefined ? 'other' : `other: ${fault.found}`;
    return { expected: 'content and place that its MAC was made for', found, isMacGood };
  }

  /** What the MAC of a leaf should have been whose own does not fit; undefined when that cannot be said. */
  macExpected(from: number, end: number): string | undefined {
    const chain = this.#task.keys.current;
    if (chain === undefined || !this.#state.isChained) return undefined;
    return chain.compute(this.#state.previousMac, this.#window.buffer, from, end - LEAF_MAC_BYTES);
  }

  /** A seal, or what was rotated before it, may have been among damaged leaves: the MAC tells which epoch goes on, and by which key. */
  #settleEpoch(stored: string, from: number, end: number): void {
    const { keys } = this.#task;
    const { epoch, isChained } = this.#state;
    const { buffer } = this.#window;
    const stated = readU32(buffer, from + 12);
    if (!isChained || stated < epoch.min || stated > epoch.max || stated < keys.epoch) return;
    for (const candidate of keys.alternatives(stated)) {
      const chain = keys.macOf(candidate.key);
      if (chain === undefined || !this.#isMacRight(chain, stored, from, end)) continue;
      keys.settle(stated, candidate);
      return;
    }
  }

  #isMacRight(chain: ChainMac, stored: string, from: number, end: number): boolean {
    const { buffer } = this.#window;
    const macAt = end - LEAF_MAC_BYTES;
    const { previousMac, previousMacExpected } = this.#state;
    if (chain.compute(previousMac, buffer, from, macAt) === stored) return true;
    if (previousMacExpected === undefined || chain.compute(previousMacExpected, buffer, from, macAt) !== stored) return false;
    // The leaf after fits what the damaged leaf's MAC should have been: so its content is right and only its MAC was changed.
    this.#task.findings.refineLast('the MAC that its content gives', 'another MAC; the content is intact');
    return true;
  }

  /** Without MACs a time set too late shows only beside the leaf after it. */
  #isAheadOfNext(from: number, nextAt: number): boolean {
    if (typeof sightFrame(this.#window, nextAt) !== 'number') return false;
    const { buffer } = this.#window;
    const next = this.#window.indexOf(nextAt, FRAME_PREFIX_BYTES + LEAF_HEADER_BYTES) + FRAME_PREFIX_BYTES;
    const [high, nextHigh] = [readU32(buffer, from + 16), readU32(buffer, next + 16)];
    return high > nextHigh || (high === nextHigh && readU32(buffer, from + 20) > readU32(buffer, next + 20));
  }

  #commitFault(from: number): LeafFault | undefined {
    const isEnd = (readU16(this.#window.buffer, from + 2) & 1) !== 0;
    if (isEnd || !this.#task.commitSizes.has(this.#state.seq + 1)) return undefined;
    return { expected: 'the end of a request where a commit ended', found: 'a leaf with more of its request to come' };
  }
}
