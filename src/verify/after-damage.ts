import { readU16, readU64 } from '../kernel/bytes.ts';
import { FRAME_PREFIX_BYTES, LEAF_BYTES_MAX, LEAF_VERSION } from '../kernel/leaf.ts';
import { findNextFrame, LEAF_BYTES_MIN, LOOKAHEAD_BYTES, sightFrame } from './frame-scan.ts';
import type { Place } from './finding.ts';
import type { SegmentWindow } from './segment-window.ts';

/** Where the walk stands when it meets damage. */
export interface DamagedPlace {
  readonly window: SegmentWindow;
  /** The leaf that should be here. */
  readonly seq: number;
  /** Byte of its frame. */
  readonly at: number;
  /** Leaves known to have been acknowledged; undefined when nothing says. */
  readonly acknowledged: number | undefined;
  /** What the next file's name states. */
  readonly nextFirst: number | undefined;
  readonly isKeyed: boolean;
}

/** Leaves that are not there, or not here: what to report, and the leaf and byte at which reading goes on. */
export interface Jump {
  readonly place: Omit<Place, 'file'>;
  readonly expected: string;
  readonly found: string;
  readonly toSeq: number;
  readonly toByte: number;
  /** The bytes right before are a damaged leaf whose MAC may be intact. */
  readonly isMacBefore: boolean;
}

export interface AfterDamage {
  /** keep: the leaf is damaged and its neighbours fit; jump: see `jump`; resync: the frames are broken. */
  readonly kind: 'keep' | 'jump' | 'resync';
  readonly jump?: Jump;
}

/** What becomes of a whole frame whose leaf is damaged: is it this leaf, another one, or no frame at all? */
export function judgeFrame({ window, seq, at, acknowledged }: DamagedPlace, length: number, isMacGood: boolean): AfterDamage {
  const end = at + FRAME_PREFIX_BYTES + length;
  const stated = readU64(window.buffer, window.indexOf(at, LOOKAHEAD_BYTES) + FRAME_PREFIX_BYTES + 4);
  const next = sightFrame(window, end);
  const isElsewhere = stated !== undefined && stated !== seq && sightFrame(window, at) === stated;
  const isLeafOfLaterPlace = isElsewhere && stated > seq && stated < (acknowledged ?? 0);
  if (isMacGood || next === seq + 1 || (next === 'end' && !isLeafOfLaterPlace)) return { kind: 'keep' };
  if (!isElsewhere || (next !== 'end' && next !== stated + 1)) return { kind: 'resync' };
  const place = stated > seq ? { seqFirst: seq, seqLast: stated - 1 } : { seqFirst: stated, seqLast: stated };
  const found = `leaf ${stated}; its own MAC cannot be checked here`;
  return {
    kind: 'jump',
    jump: { place: { ...place, byteOffset: at }, expected: `leaf ${seq}`, found, toSeq: stated, toByte: at, isMacBefore: false },
  };
}

/** Where broken frames go on: with a leaf at a byte, or not at all in this file. */
export function findResumption(where: DamagedPlace): { readonly end: number; readonly nextSeq: number | undefined } {
  const next = findNextFrame(where.window, where.at, where.seq);
  return { end: next?.at ?? where.window.bytes, nextSeq: next?.seq };
}

/** Are the bytes up to `end` perhaps just this leaf, and only its length is wrong? Answers the leaf's length. */
export function misframedLength({ window, seq, at, isKeyed }: DamagedPlace, end: number, nextSeq: number | undefined): number | undefined {
  // Without a MAC the bytes up to the end of the file may as well be a leaf that was cut short.
  const isWholeLeaf = nextSeq === undefined ? isKeyed : nextSeq === seq + 1;
  const length = end - at - FRAME_PREFIX_BYTES;
  if (!isWholeLeaf || length < LEAF_BYTES_MIN || length > LEAF_BYTES_MAX) return undefined;
  return readU16(window.buffer, window.indexOf(at, LOOKAHEAD_BYTES)) === length ? undefined : length;
}

/** Bytes that are no leaf, and then leaf `nextSeq` at `end`. */
export function jumpOver({ seq, at }: DamagedPlace, end: number, nextSeq: number): Jump {
  const isInserted = nextSeq === seq;
  const place = isInserted ? { seqFirst: seq } : { seqFirst: seq, seqLast: nextSeq - 1 };
  return {
    place: { ...place, byteOffset: at },
    expected: `leaf ${seq}`,
    found: `${end - at} bytes that are no leaf${isInserted ? ', then it' : ''}`,
    toSeq: nextSeq,
    toByte: end,
    isMacBefore: !isInserted,
  };
}

/** Bytes that are no leaf up to the end of the file: all of its leaves are lost, as far as anything says how many there were. */
export function lostRest({ window, seq, at, acknowledged, nextFirst }: DamagedPlace): Pick<Jump, 'place' | 'expected' | 'found'> {
  const seqLast = (nextFirst ?? acknowledged ?? seq + 1) - 1;
  return {
    place: { seqFirst: seq, seqLast: Math.max(seqLast, seq), byteOffset: at },
    expected: `leaf ${seq}`,
    found: `${window.bytes - at} bytes that are no leaf`,
  };
}

/** Is it the begin of the expected leaf, and the file ends too early? */
export function isCutShort({ window, seq, at }: DamagedPlace): boolean {
  const remaining = window.bytes - at;
  const { buffer } = window;
  const index = window.indexOf(at, LOOKAHEAD_BYTES);
  if (remaining < FRAME_PREFIX_BYTES) return true;
  if (readU16(buffer, index) <= remaining - FRAME_PREFIX_BYTES) return false;
  if (remaining > FRAME_PREFIX_BYTES && buffer[index + FRAME_PREFIX_BYTES] !== LEAF_VERSION) return false;
  return remaining < FRAME_PREFIX_BYTES + 12 || readU64(buffer, index + FRAME_PREFIX_BYTES + 4) === seq;
}
