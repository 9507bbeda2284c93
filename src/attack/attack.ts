import type { LedgerView } from './ledger-view.ts';

/** What an attacker must hold besides write access to the folder. */
export const NEEDS = {
  'epoch-key': 'the running epoch’s key, as it lies on the machine',
  'log-key': 'the Ed25519 log key, as it lies on the machine',
  'older-copy': 'an older copy of the folder (--older DIR)',
  'other-life': 'a copy of the folder that went on differently (--older DIR)',
  segments: 'a ledger of two segments or more',
  'three-segments': 'a ledger of three segments or more',
  seals: 'a ledger with two sealed epochs or more',
  index: 'a ledger with a segment index',
  archive: 'an archive of the ledger (--archive DIR)',
  python3: 'python3, for system calls that Node does not have',
  superuser: 'the right to mount',
  sidecar: 'a running sidecar (--pid PID)',
} as const;

export type Need = keyof typeof NEEDS;

/** The verdicts of `log verify`, by their names in docs/verify.md; this room does not know the verifier. */
export const EXPECTABLE_VERDICTS = [
  'OK_ANCHORED',
  'OK_UNANCHORED',
  'TORN_TAIL',
  'UNSEALED',
  'TRUNCATED',
  'TAMPERED',
  'FORKED',
  'ROLLED_BACK',
  'KEY_MISMATCH',
  'DOWNGRADE',
] as const;

export type ExpectedVerdict = (typeof EXPECTABLE_VERDICTS)[number];

/**
 * What the offline verifier must say, by what it is given: the root key alone · the public key and a checkpoint of the moment before the
 * attack, kept elsewhere · the public key alone.
 */
export interface ExpectedVerdicts {
  readonly root: ExpectedVerdict;
  readonly anchor: ExpectedVerdict;
  readonly public: ExpectedVerdict;
}

/** What live detection owes: `detected` within the promised time · `exempt` from the time, for the reason given · `quiet`: raises nothing. */
export type LiveDuty = 'detected' | 'quiet' | { readonly exempt: string };

export interface Outcome {
  /** Leaves whose content, place or existence was changed; undefined when none was. */
  readonly leaves: { readonly first: number; readonly last: number } | undefined;
  /** What was done, for the one who ran it. */
  readonly note: string;
  /** CLOCK_MONOTONIC right after the last system call, when another program made it. */
  readonly doneNs?: bigint;
  /** True once the writer has overwritten all of it: then nothing is left that anybody could find. Cheap: asked again and again. */
  readonly isUndone?: () => boolean;
  /** Ends what must not outlive a demonstration: mounts, stopped processes. */
  readonly undo?: (() => void) | undefined;
}

export interface Attack {
  readonly name: string;
  /** One line: what is done, and what the attacker hopes. */
  readonly summary: string;
  readonly needs: readonly Need[];
  /** What is attacked, and verified afterwards: the ledger's folder unless given. */
  readonly on?: 'archive';
  /** True when afterwards the folder shows something else than what was acknowledged. */
  readonly isHarmful: boolean;
  readonly expected: ExpectedVerdicts;
  /** True when the verifier with the root key must name the changed leaves. */
  readonly isLocated: boolean;
  readonly live: LiveDuty;
  apply(view: LedgerView): Outcome;
}

export const TAMPERED: ExpectedVerdicts = { root: 'TAMPERED', anchor: 'TAMPERED', public: 'TAMPERED' };
export const TRUNCATED: ExpectedVerdicts = { root: 'TRUNCATED', anchor: 'TRUNCATED', public: 'TRUNCATED' };
/** Nothing of the ledger changed: a verifier that called this an attack would be wrong. */
export const INTACT: ExpectedVerdicts = { root: 'OK_UNANCHORED', anchor: 'OK_ANCHORED', public: 'OK_UNANCHORED' };
