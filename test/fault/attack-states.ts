import { EventEmitter, once } from 'node:events';
import { copyFileSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Attack } from '../../src/attack/attack.ts';
import type { Evidence } from '../../src/cli/attack-verify.ts';
import { LedgerView } from '../../src/attack/ledger-view.ts';
import { LEAF_TYPES, SEGMENT_LEAVES_MAX } from '../../src/kernel/leaf.ts';
import { runProgram } from '../support/run-program.ts';
import { startSidecar, type Sidecar } from '../support/sidecar.ts';
import { postEvents } from './attack-load.ts';

/** A ledger folder that nobody writes, made by a real sidecar that was killed, and what somebody elsewhere holds of it. */
export interface AttackState {
  readonly name: string;
  readonly dataDir: string;
  /** The leaf to aim at. */
  readonly at: number;
  /** Older copy, for attacks that set the ledger back. */
  readonly olderDir: string;
  /** The older copy, grown on differently. */
  readonly otherLifeDir: string;
  /** Its full segments in an archive. */
  readonly archiveDir?: string;
}

const QUIET = { PROOFS_ANCHOR: 'off', PROOFS_WATCH: 'off' };
/** An epoch of activity is sealed a second after its first leaf. */
const EPOCH_MS = 1200;
/** Posts until the last leaf is an event of a running epoch; each retry costs a start. */
const TRIES_MAX = 5;
/** Leaves of the segment that was just begun. */
const FRESH_LEAVES = 20;

async function kill(sidecar: Sidecar): Promise<void> {
  sidecar.kill('SIGKILL');
  await sidecar.exited;
}

/** Lets a sidecar work on the folder and kills it. */
export async function live(dataDir: string, work: (sidecar: Sidecar) => Promise<void>): Promise<void> {
  await using sidecar = await startSidecar({ dataDir, env: QUIET });
  await work(sidecar);
  await kill(sidecar);
}

/** A few events, and death before their epoch is sealed: so there is a running epoch with leaves in it. */
async function endInEpoch(dataDir: string, label: string, events: number): Promise<void> {
  for (let attempt = 0; attempt < TRIES_MAX; attempt++) {
    await live(dataDir, (sidecar) => postEvents(sidecar.url, events, `${label} ${attempt}`));
    const view = new LedgerView({ dataDir });
    const last = view.place(view.size() - 1).frame.leaf;
    if (last[1] === LEAF_TYPES.event) return;
  }
  throw new Error(`no kill in ${TRIES_MAX} hit a running epoch`);
}

/** The three epochs of a short ledger, or the segments of a long one, with its older copy half way and that copy's other life. */
async function makeLedger(directory: string, growFirst: (s: Sidecar) => Promise<void>, growSecond: (s: Sidecar) => Promise<void>) {
  const dataDir = join(directory, 'data');
  const olderDir = join(directory, 'older');
  const otherLifeDir = join(directory, 'other-life');
  mkdirSync(dataDir, { recursive: true });
  await live(dataDir, growFirst);
  cpSync(dataDir, olderDir, { recursive: true });
  cpSync(dataDir, otherLifeDir, { recursive: true });
  await live(otherLifeDir, (sidecar) => postEvents(sidecar.url, 200, 'other life'));
  await live(dataDir, growSecond);
  return { dataDir, olderDir, otherLifeDir };
}

/** One segment, several epochs; the aim lies near the end. */
export async function makeActive(directory: string): Promise<AttackState> {
  const grow = (label: string) => async (sidecar: Sidecar) => {
    for (let epoch = 0; epoch < 2; epoch++) {
      await postEvents(sidecar.url, 150, `${label} ${epoch}`);
      await setTimeout(EPOCH_MS);
    }
  };
  const made = await makeLedger(directory, grow('first'), grow('second'));
  await endInEpoch(made.dataDir, 'last', 30);
  const size = new LedgerView(made).size();
  return { name: 'active', at: size - 10, ...made };
}

/** Full segments and one just begun: one state aims into the last full one, one into the new one. */
export async function makeSealedAndRotated(directory: string, fullSegments: number): Promise<[sealed: AttackState, rotated: AttackState]> {
  const full = fullSegments * SEGMENT_LEAVES_MAX;
  const made = await makeLedger(
    directory,
    async (sidecar) => {
      await postEvents(sidecar.url, Math.floor(full / 2), 'first');
      await setTimeout(EPOCH_MS);
    },
    async (sidecar) => {
      await postEvents(sidecar.url, full - 100 - (await sizeOf(sidecar.url)), 'second');
      await setTimeout(EPOCH_MS);
      await postEvents(sidecar.url, full + FRESH_LEAVES - (await sizeOf(sidecar.url)), 'third');
    },
  );
  await endInEpoch(made.dataDir, 'last', FRESH_LEAVES);
  const archiveDir = await archived(made.dataDir, join(directory, 'archive'));
  return [
    { name: 'sealed', at: full - SEGMENT_LEAVES_MAX / 4, ...made, archiveDir },
    { name: 'just rotated', at: full + 10, ...made, archiveDir },
  ];
}

/** The ledger's folder in a new archive. */
async function archived(dataDir: string, archive: string): Promise<string> {
  mkdirSync(archive);
  const { code, err } = await runProgram(['log', 'archive', '--data-dir', dataDir, '--archive', archive]).result;
  if (code !== 0) throw new Error(`log archive ended with ${code}: ${err}`);
  const { ledgerId } = new LedgerView({ dataDir }).identity();
  return join(archive, Buffer.from(ledgerId).toString('hex'));
}

/** A copy taken while a sidecar was appending, within one epoch: a thief of both halves of a seal would be another attacker. */
export async function makeDuringAppend(directory: string, short: AttackState): Promise<AttackState> {
  const running = join(directory, 'running');
  const dataDir = join(directory, 'data');
  cpSync(short.dataDir, running, { recursive: true });
  await live(running, async (sidecar) => {
    const stop = new AbortController();
    const batches = new EventEmitter();
    const appending = (async () => {
      for (let batch = 0; !stop.signal.aborted; batch++) {
        await postEvents(sidecar.url, 40, `append ${batch}`);
        batches.emit('stored');
      }
    })();
    await setTimeout(EPOCH_MS);
    for (let attempt = 0; ; attempt++) {
      if (attempt === TRIES_MAX) throw new Error(`${TRIES_MAX} copies each met a seal`);
      rmSync(dataDir, { recursive: true, force: true });
      await copyWhileWritten(running, dataDir, () => once(batches, 'stored'));
      if (!holdsSealBeyondCheckpoint(dataDir)) break;
    }
    stop.abort();
    await appending;
  });
  // Watermark and checkpoint of the copy may be a batch apart; what is changed shall be acknowledged by both.
  const settled = Math.min(anchorSize(join(dataDir, 'ledger', 'checkpoint')), new LedgerView({ dataDir }).acknowledged());
  return { ...short, name: 'during append', dataDir, at: settled - 10 };
}

/** The small files first, as a backup that wants a usable copy does; the segments hold at least a batch more than they say. */
async function copyWhileWritten(from: string, to: string, anotherBatch: () => Promise<unknown>): Promise<void> {
  cpSync(join(from, 'keys'), join(to, 'keys'), { recursive: true });
  mkdirSync(join(to, 'ledger', 'segments'), { recursive: true });
  for (const name of ['watermark', 'checkpoint', 'log.vkey']) copyFileSync(join(from, 'ledger', name), join(to, 'ledger', name));
  await anotherBatch();
  await anotherBatch();
  for (const name of readdirSync(join(from, 'ledger', 'segments'))) {
    copyFileSync(join(from, 'ledger', 'segments', name), join(to, 'ledger', 'segments', name));
  }
}

function holdsSealBeyondCheckpoint(dataDir: string): boolean {
  const leaves = new LedgerView({ dataDir }).leaves();
  return leaves.slice(anchorSize(join(dataDir, 'ledger', 'checkpoint'))).some((leaf) => leaf[1] === LEAF_TYPES.epochSeal);
}

/** The size that a checkpoint speaks of. */
export function anchorSize(path: string): number {
  return Number(readFileSync(path, 'utf8').split('\n')[1]);
}

async function sizeOf(url: string): Promise<number> {
  const response = await fetch(`${url}/ledger/status`);
  return ((await response.json()) as { size: number }).size;
}

/**
 * A fresh copy to attack, and beside it what a verifier elsewhere holds: root key and checkpoint of before. The root key leaves the copy.
 * The archive is copied for attacks on it alone: nothing else reads it.
 */
export function copyState(state: AttackState, directory: string, on?: Attack['on']): Evidence {
  const dataDir = join(directory, 'data');
  rmSync(directory, { recursive: true, force: true });
  cpSync(state.dataDir, dataDir, { recursive: true });
  const [rootKeyFile, anchorFile] = [join(directory, 'verification.key'), join(directory, 'anchor')];
  copyFileSync(join(dataDir, 'keys', 'verification.key'), rootKeyFile);
  rmSync(join(dataDir, 'keys', 'verification.key'));
  copyFileSync(join(dataDir, 'ledger', 'checkpoint'), anchorFile);
  const archive = on === 'archive' ? copyArchive(state, directory) : undefined;
  const { publicKey } = new LedgerView({ dataDir }).identity();
  return { dataDir, keysDir: undefined, rootKeyFile, anchorFile, verifierKey: publicKey, archive, isUnsealed: false };
}

function copyArchive({ name, archiveDir }: AttackState, directory: string): Evidence['archive'] {
  if (archiveDir === undefined) throw new Error(`"${name}" has no archive`);
  const archive = { dir: join(directory, 'archive'), anchorFile: join(directory, 'archive.anchor') };
  cpSync(archiveDir, archive.dir, { recursive: true });
  copyFileSync(join(archive.dir, 'checkpoint'), archive.anchorFile);
  return archive;
}
