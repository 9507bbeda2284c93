import { toHex } from '../kernel/bytes.ts';
import { systemClock, type Clock } from '../kernel/clock.ts';
import { nodeHashes } from '../kernel/node-hashes.ts';
import type { Ledger } from '../ledger/ports.ts';
import { buildFiles } from './build-files.ts';
import { BundleError, type FittingWindow } from './bundle-error.ts';
import { closeWindow, type ClosedWindow } from './close-window.ts';
import { collectEntries } from './collect-entries.ts';
import { BUNDLE_BYTES_MAX, formatTimeNs, type BundleWindow } from './format.ts';
import { inTurn } from './in-turn.ts';
import { recordBundle } from './record-bundle.ts';
import { proveRun } from './select-run.ts';
import { toolVersion } from '../kernel/tool-version.ts';
import type { TimeWindow } from './window.ts';
import { writeZip } from './write-zip.ts';

export interface AssembleOptions {
  readonly clock: Clock;
  readonly sleep: (ms: number) => Promise<void>;
  readonly toolVersion: string;
}

export interface Bundle {
  /** The ZIP. */
  readonly bytes: Uint8Array;
  readonly fileName: string;
  /** Hex, of `bytes`. */
  readonly sha256: string;
  readonly window: BundleWindow;
  readonly entries: number;
}

/** Each build that turns out too large cuts the next one to this part of the entries … */
const SHORTEN_TO = 0.75;
/** … at most this often, then no window is suggested: a refusal must not cost much more than a bundle. */
const SUGGESTIONS_TRIED_MAX = 4;

const NS_PER_SECOND = 1_000_000_000n;

/**
 * Window → bundle with everything in it, recorded in the ledger when it is the first of its digest. Rejects with BundleError.
 * One bundle per ledger is built at a time, because each may take a few hundred megabytes.
 */
export function assembleBundle(ledger: Ledger, window: TimeWindow, options: Partial<AssembleOptions> = {}): Promise<Bundle> {
  const full: AssembleOptions = {
    clock: options.clock ?? systemClock,
    sleep: options.sleep ?? ((ms) => new Promise((resolve) => setTimeout(resolve, ms))),
    toolVersion: options.toolVersion ?? toolVersion(),
  };
  return inTurn(ledger, () => assemble(ledger, window, full));
}

async function assemble(ledger: Ledger, window: TimeWindow, options: AssembleOptions): Promise<Bundle> {
  const closed = await closeWindow(ledger, window, options);
  const built = await build(ledger, window, closed, options.toolVersion);
  if ('entriesFitting' in built) throw await tooLarge(ledger, window, closed, built.entriesFitting, options.toolVersion);
  // The record is written before the bundle is handed out: a crash here may leave a record of a bundle nobody got, never the reverse.
  await recordBundle(ledger, built, closed.end);
  return built;
}

/** The bundle, or a guess at how many entries from the window's start would fit. */
async function build(
  ledger: Ledger,
  window: TimeWindow,
  closed: ClosedWindow,
  toolVersion: string,
): Promise<Bundle | { entriesFitting: number }> {
  const { first, end } = closed;
  const entries = await collectEntries(ledger, first, end);
  if ('entriesRead' in entries) return { entriesFitting: Math.floor(entries.entriesRead * SHORTEN_TO) };
  const range: BundleWindow = {
    from: formatTimeNs(window.fromNs),
    to: formatTimeNs(window.toNs),
    first,
    last: end - 1,
    entries: end - first,
  };
  const run = await proveRun(ledger, closed);
  const bytes = await writeZip(await buildFiles(ledger, { window: range, entries, run, toolVersion }));
  if (bytes.length > BUNDLE_BYTES_MAX) {
    return { entriesFitting: Math.floor(((end - first) * SHORTEN_TO * BUNDLE_BYTES_MAX) / bytes.length) };
  }
  return {
    bytes,
    fileName: `incident-${compact(range.from)}-${compact(range.to)}.zip`,
    sha256: toHex(nodeHashes.sha256(bytes)),
    window: range,
    entries: end - first,
  };
}

/** 20260102T030405Z */
function compact(time: string): string {
  return `${time.slice(0, 19).replaceAll(/[-:]/g, '')}Z`;
}

async function tooLarge(
  ledger: Ledger,
  window: TimeWindow,
  closed: ClosedWindow,
  entriesFitting: number,
  toolVersion: string,
): Promise<BundleError> {
  const entries = (closed.end - closed.first).toLocaleString('en-US');
  const cap = BUNDLE_BYTES_MAX.toLocaleString('en-US');
  const fitting = await findFitting(ledger, window, closed.first, entriesFitting, toolVersion);
  const advice =
    fitting === undefined
      ? 'ask for a much shorter window'
      : `this one fits: ${fitting.from} to ${fitting.to} (${fitting.entries.toLocaleString('en-US')} entries, ${fitting.bytes.toLocaleString('en-US')} bytes)`;
  const message = `the window holds ${entries} entries, which do not fit into a bundle of ${cap} bytes, and a bundle leaves nothing out; ${advice}`;
  return new BundleError('too-large', message, { fitting });
}

/** A window with the same start that fits, found by building it; undefined when a few tries gave none. */
async function findFitting(
  ledger: Ledger,
  window: TimeWindow,
  first: number,
  entriesFitting: number,
  toolVersion: string,
): Promise<FittingWindow | undefined> {
  let guess = entriesFitting;
  for (let tried = 0; tried < SUGGESTIONS_TRIED_MAX && guess > 0; tried++) {
    const toNs = await endBefore(ledger, window.fromNs, first + guess);
    const end = await ledger.firstAtOrAfter(toNs);
    if (end <= first) return undefined;
    const built = await build(ledger, { fromNs: window.fromNs, toNs }, { first, end }, toolVersion);
    if (!('entriesFitting' in built)) return { ...built.window, bytes: built.bytes.length };
    guess = Math.min(built.entriesFitting, Math.floor(guess * SHORTEN_TO));
  }
  return undefined;
}

/** An end at or before the time of leaf `seq`: the whole second when that leaves something in the window. */
async function endBefore(ledger: Ledger, fromNs: bigint, seq: number): Promise<bigint> {
  for await (const leaf of ledger.leaves(seq, seq + 1)) {
    const wholeSecond = leaf.timeNs - (leaf.timeNs % NS_PER_SECOND);
    const isWhole = wholeSecond > fromNs && (await ledger.firstAtOrAfter(wholeSecond)) > (await ledger.firstAtOrAfter(fromNs));
    return isWhole ? wholeSecond : leaf.timeNs;
  }
  return fromNs;
}
