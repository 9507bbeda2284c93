import { readFileSync, watch } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { launchSidecar, startSidecar, type LaunchedSidecar } from '../support/sidecar.ts';
import { CaseFolder } from './case-folder.ts';
import { compareWithSent, readRequests } from './ledger-oracle.ts';
import { offlineVerdict } from './offline-verdict.ts';
import { isConnectionError, post, seededRandom, type SentBatch } from './producer.ts';

export interface CrashLoopOptions {
  readonly directory: string;
  readonly seed: number;
  readonly kills: number;
  readonly log: (line: string) => void;
}

export interface CrashReport {
  kills: number;
  killsBeforeListening: number;
  /** Kills while an epoch ended, and how many of them found the key on the disk one epoch behind the ledger. */
  killsAtEpochEnd: number;
  keysOneBehind: number;
  ledgers: number;
  batches: number;
  events: number;
  /** Unanswered batches whose retry found them landed already. */
  retriedReplays: number;
  /** Unanswered batches whose retry was their first landing. */
  retriedLandings: number;
  /** Killed ledgers by what the offline verifier said before any recovery. */
  readonly verdictsAfterKill: Record<string, number>;
  /** Empty when every promise was kept. */
  readonly wrong: string[];
}

const CLIENTS = 4;
const BATCH_EVENTS_MAX = 2000;
/** A pause between a client's requests: recovery reads the whole ledger, so its size decides how many kills fit into the time. */
const THINK_MS_MAX = 12;
/** A fresh ledger after this many kills: creation is killed too, and recovery stays quick. */
const KILLS_PER_LEDGER = 10;
const KILL_AFTER_MS = { min: 50, max: 400 } as const;
/** This share of the kills hits a sidecar that is still starting or recovering. */
const EARLY_KILL_SHARE = 0.3;
/** This share of the others waits for the end of an epoch. */
const EPOCH_END_SHARE = 0.35;
/** An epoch ends a second after its first entry; a sidecar on a busy machine that has not ended one by then is killed anyway. */
const EPOCH_END_MS_MAX = 3000;
/** Replacing the key takes a few milliseconds: the kill falls into them or right after. */
const EPOCH_END_KILL_AFTER_MS_MAX = 2;
/** Retries of one batch while the sidecar is up; more means it never answers. */
const RETRIES_MAX = 20;

/** kill -9 under load, start again, retry, and at the end of each ledger compare everything with what was promised. */
export async function runCrashLoop(options: CrashLoopOptions): Promise<CrashReport> {
  const report: CrashReport = {
    kills: 0,
    killsBeforeListening: 0,
    killsAtEpochEnd: 0,
    keysOneBehind: 0,
    ledgers: 0,
    batches: 0,
    events: 0,
    retriedReplays: 0,
    retriedLandings: 0,
    verdictsAfterKill: {},
    wrong: [],
  };
  const random = seededRandom(options.seed);
  while (report.kills < options.kills) {
    const folder = new CaseFolder(join(options.directory, `ledger-${report.ledgers++}`));
    const run = new LedgerRun(folder, random, report);
    const kills = Math.min(KILLS_PER_LEDGER, options.kills - report.kills);
    for (let i = 0; i < kills; i++) await run.killOnce();
    await run.settle();
    options.log(
      `${report.kills} kills, ${report.ledgers} ledgers, ${report.batches} batches, ${report.events} events, ${report.wrong.length} wrong`,
    );
  }
  return report;
}

/** One ledger's life under kills: what its producers sent and still have to retry. */
class LedgerRun {
  readonly #folder: CaseFolder;
  readonly #random: () => number;
  readonly #report: CrashReport;
  readonly #sent: SentBatch[] = [];
  readonly #unanswered = new Set<SentBatch>();
  #startMs = 500;

  constructor(folder: CaseFolder, random: () => number, report: CrashReport) {
    this.#folder = folder;
    this.#random = random;
    this.#report = report;
  }

  /** Starts the sidecar, loads it, kills it at a random moment and asks the offline verifier about what is left. */
  async killOnce(): Promise<void> {
    const startedMs = performance.now();
    await using sidecar = launchSidecar({ dataDir: this.#folder.dataDir, env: this.#folder.env() });
    this.#report.kills++;
    if (this.#random() < EARLY_KILL_SHARE) {
      this.#report.killsBeforeListening++;
      await setTimeout(this.#random() * this.#startMs);
      await end(sidecar);
    } else {
      const url = await sidecar.listening;
      this.#startMs = performance.now() - startedMs;
      const clients = Array.from({ length: CLIENTS }, (_, index) => this.#client(url, index === 0));
      if (this.#random() < EPOCH_END_SHARE) await this.#untilEpochEnds();
      else await setTimeout(KILL_AFTER_MS.min + this.#random() * (KILL_AFTER_MS.max - KILL_AFTER_MS.min));
      await end(sidecar);
      await Promise.all(clients);
      if (this.#isKeyOneBehind()) this.#report.keysOneBehind++;
    }
    await this.#verifyKilled();
  }

  /** The last start: every unanswered batch is retried, the ledger closed in peace, and everything compared. */
  async settle(): Promise<void> {
    await using sidecar = await startSidecar({ dataDir: this.#folder.dataDir, env: this.#folder.env() });
    for (const batch of this.#unanswered) await this.#retry(sidecar.url, batch);
    sidecar.kill('SIGTERM');
    const code = await sidecar.exited;
    if (code !== 0) this.#report.wrong.push(`SIGTERM ended with ${code}: ${sidecar.stderr()}`);
    const { verdict, findings } = await offlineVerdict(this.#folder);
    if (verdict !== 'OK_ANCHORED') this.#report.wrong.push(`${verdict} after a clean stop: ${findings.join('; ')}`);
    this.#report.wrong.push(...compareWithSent(readRequests(this.#folder.dataDir), this.#sent));
  }

  /** Retries what it finds unanswered, then sends new batches until the connection breaks. */
  async #client(url: string, doesRetry: boolean): Promise<void> {
    try {
      if (doesRetry) for (const batch of [...this.#unanswered].slice(0, CLIENTS)) await this.#retry(url, batch);
      for (;;) {
        const batch = this.#newBatch();
        const { status } = await post(url, batch);
        this.#unanswered.delete(batch);
        if (status !== 201) this.#report.wrong.push(`"${batch.messages[0]}" was answered ${status}`);
        await setTimeout(this.#random() * THINK_MS_MAX);
      }
    } catch (error) {
      // The connection broke with the sidecar: the normal end of a client. Anything else is a fault of the test or the answer.
      if (!isConnectionError(error)) throw error;
    }
  }

  #newBatch(): SentBatch {
    const id = this.#report.batches++;
    const events = this.#random() < 0.3 ? 1 : Math.ceil(BATCH_EVENTS_MAX ** this.#random());
    this.#report.events += events;
    const batch: SentBatch = {
      // Single events also come without a key: then an unanswered one may have landed or not, but never twice.
      key: events === 1 && this.#random() < 0.5 ? undefined : `key-${id}`,
      messages: Array.from({ length: events }, (_, index) => `event ${id}.${index}`),
    };
    this.#sent.push(batch);
    if (batch.key !== undefined) this.#unanswered.add(batch);
    return batch;
  }

  async #retry(url: string, batch: SentBatch): Promise<void> {
    for (let attempt = 0; attempt < RETRIES_MAX; attempt++) {
      const { status, isReplay } = await post(url, batch);
      if (status === 503) continue;
      if (status !== 201) throw new Error(`the retry of "${batch.messages[0]}" was answered ${status}`);
      if (isReplay) this.#report.retriedReplays++;
      else this.#report.retriedLandings++;
      this.#unanswered.delete(batch);
      return;
    }
    throw new Error(`the retry of "${batch.messages[0]}" was refused ${RETRIES_MAX} times`);
  }

  /** Waits until the running epoch's key is about to be replaced. */
  async #untilEpochEnds(): Promise<void> {
    const timeout = AbortSignal.timeout(EPOCH_END_MS_MAX);
    const seen = await new Promise<boolean>((resolve) => {
      const watcher = watch(join(this.#folder.dataDir, 'keys'), { signal: timeout });
      watcher.on('error', () => resolve(false)).on('close', () => resolve(false));
      watcher.on('change', (_, name) => {
        if (name !== 'epoch.key.tmp') return;
        resolve(true);
        watcher.close();
      });
    });
    if (!seen) return;
    this.#report.killsAtEpochEnd++;
    const delayMs = this.#random() * EPOCH_END_KILL_AFTER_MS_MAX;
    // A timer waits a millisecond at least.
    if (delayMs >= 1) await setTimeout(delayMs);
  }

  #isKeyOneBehind(): boolean {
    const [, epoch] = readFileSync(join(this.#folder.dataDir, 'keys', 'epoch.key'), 'latin1').split('\n');
    return Number(epoch) === this.#folder.watermark().epoch - 1;
  }

  /** Before any recovery: at worst the last commit is unfinished. */
  async #verifyKilled(): Promise<void> {
    let verdict = 'no ledger yet';
    let findings: readonly string[] = [];
    try {
      ({ verdict, findings } = await offlineVerdict(this.#folder));
    } catch (error) {
      // Killed before the ledger was renamed into its place; nothing can have been acknowledged.
      if (this.#sent.some((batch) => batch.answer !== undefined)) throw error;
    }
    this.#report.verdictsAfterKill[verdict] = (this.#report.verdictsAfterKill[verdict] ?? 0) + 1;
    if (!['OK_ANCHORED', 'OK_UNANCHORED', 'TORN_TAIL', 'no ledger yet'].includes(verdict))
      this.#report.wrong.push(`${verdict} after a kill: ${findings.join('; ')}`);
  }
}

async function end(sidecar: LaunchedSidecar): Promise<void> {
  sidecar.kill('SIGKILL');
  await sidecar.exited;
}
