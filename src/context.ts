import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { openAnchors, readAnchorInputs } from './anchor/open-anchors.ts';
import { buildApp } from './app.ts';
import { openArchive } from './archive/open-archive.ts';
import { systemClock } from './kernel/clock.ts';
import { toolVersion } from './kernel/tool-version.ts';
import type { Config } from './config/config.ts';
import type { Secrets } from './config/secrets.ts';
import { toLockOptions } from './config/to-lock-options.ts';
import type { LedgerError } from './ledger/ledger-error.ts';
import { openLedger, type OpenedLedger } from './ledger/open-ledger.ts';
import { readLimits } from './limiter/limits-source.ts';
import { openLimiter, type OpenedLimiter } from './limiter/open-limiter.ts';
import { Retention } from './ledger/retention.ts';
import { openVersions } from './versions/open-versions.ts';
import type { Versions } from './versions/ports.ts';
import { openWatch, type OpenedWatch } from './watch/open-watch.ts';
import { Observer } from './observe/observer.ts';

/** How long a stop waits, with the ledger closed, for a witness or an archive that does not answer. */
const BESIDE_MS_MAX = 2000;

/** The rooms of one running sidecar, wired by hand. */
export interface Context {
  readonly app: FastifyInstance;
  readonly ledger: OpenedLedger;
  readonly observer: Observer;
  readonly limits: OpenedLimiter | undefined;
  /** Resolves when the ledger's writer has died, whenever that was: the process must end. */
  readonly failed: Promise<LedgerError>;
  /** Answers what has begun, refuses the rest, lands what is queued, closes the ledger. */
  stop(): Promise<void>;
}

export interface ContextOptions {
  /** Checkpoint note of an operator, when the watermark is lost. */
  readonly anchorNote?: string | undefined;
  /** For tests that must not wait half a minute. */
  readonly requestTimeoutMs?: number;
  /** For tests that must not fill the real queue. */
  readonly queueRequestsMax?: number;
  /** For tests that must not wait a second for an epoch's end. */
  readonly epochSealAfterMs?: number;
}

export async function createContext(config: Config, secrets: Secrets, log: Logger, options: ContextOptions = {}): Promise<Context> {
  const version = toolVersion();
  const observer = new Observer(log, version);
  const anchorInputs = await readAnchorInputs(config);
  // Before anything is opened: with limits that cannot be used nothing starts.
  if (config.limits.kind !== 'off') readLimits(config.limits.file);
  const watch = openWatchOf(config, observer);
  const ledger = await openLedger({
    dataDir: config.dataDir,
    keysDir: config.keysDir,
    origin: config.origin,
    anchorNote: options.anchorNote,
    lock: toLockOptions(config, secrets),
    queueRequestsMax: options.queueRequestsMax,
    journalPort: watch?.journal,
    sealAfterMs: options.epochSealAfterMs,
  }).catch(async (error: unknown) => {
    await watch?.close();
    throw error;
  });
  watch?.begin(ledger);
  const failed = new Promise<LedgerError>((resolve) => ledger.events.once('fatal', resolve));
  ledger.events.on('committed', (commit) => observer.committed(commit));
  const anchors = openAnchors(anchorInputs, ledger, observer);
  ledger.events.on('published', () => anchors.rounds.wake());
  for (const warning of anchors.warnings()) observer.log.warn(warning);
  const { archive, retention } = openAging(config, secrets, ledger, observer);
  const limits = openLimiterOf(config, secrets, ledger, observer);
  await limits?.joined;
  const versions = await openVersionsOf(config, ledger, observer);
  const lifecycle = { isStopping: false };
  const { requestTimeoutMs } = options;
  const app = await buildApp({
    ledger,
    observer,
    secrets,
    lifecycle,
    version,
    anchors,
    archiveTrouble: () => archive?.trouble,
    limits,
    versions,
    watch: watch === undefined ? undefined : () => watch.status(),
    ...(requestTimeoutMs === undefined ? {} : { requestTimeoutMs }),
  });
  // Without waiting for a commit: a witness that knows more than we have says so right after a rollback.
  anchors.rounds.wake();
  let stopped: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    lifecycle.isStopping = true;
    const removing = retention.stop();
    // They only read the ledger, and what they leave undone is begun again at the next start: its last seal does not wait for them.
    const beside = Promise.allSettled([anchors.rounds.stop(), archive?.stop()]);
    await app.close();
    await versions.close();
    await limits?.close();
    await removing;
    await ledger.close();
    await watch?.close();
    await Promise.race([beside, sleep(BESIDE_MS_MAX, undefined, { ref: false })]);
  };
  return { app, ledger, observer, limits, failed, stop: () => (stopped ??= stop()) };
}

function openLimiterOf(config: Config, secrets: Secrets, ledger: OpenedLedger, observer: Observer): OpenedLimiter | undefined {
  return openLimiter(config.limits, secrets.redisPassword, ledger, {
    limitsChanged: (changed) => observer.limitsChanged(changed),
    limitsRefused: (error) => observer.limitsRefused(error),
    storeReady: (isReady, why) => observer.limitStoreReady(isReady, why),
    clockJumped: (byUs) => observer.limitClockJumped(byUs),
    storeSeeded: (stamps) => observer.limitStoreSeeded(stamps),
    recordFailed: (error) => observer.limitRecordFailed(error),
    traceFailed: (error) => observer.limitTraceFailed(error),
    storeAnswered: (tookMs) => observer.limitStoreAnswered(tookMs),
    storeRisky: (why) => observer.limitStoreRisky(why),
  });
}

function openVersionsOf({ dataDir, versions }: Config, ledger: OpenedLedger, observer: Observer): Promise<Versions> {
  const { bytesMax, ...limits } = versions;
  return openVersions({ dataDir, bytesMax, limits }, ledger, {
    trouble: (error) => observer.versionsTrouble(error),
    reverted: (name, { version }) => observer.versionChanged('revert', 'done', name, `version ${version}, not confirmed in time`),
  });
}

/** The thread that looks for changes nobody announced; undefined where the settings do without it. */
function openWatchOf(config: Config, observer: Observer): OpenedWatch | undefined {
  const { dataDir, keysDir, isImmutable } = config;
  if (!config.isWatched) return undefined;
  return openWatch(
    { dataDir, keysDir, isImmutable },
    {
      detected: (detection, isTold) => observer.tamperDetected(detection, isTold),
      accepted: (file, evidence) => observer.changeAccepted(file, evidence),
      trouble: (message) => observer.watchTrouble(message),
    },
  );
}

/** What becomes of full segments: the archive that takes them, and the retention that removes them afterwards. */
function openAging(
  config: Config,
  secrets: Secrets,
  ledger: OpenedLedger,
  observer: Observer,
): { readonly archive: ReturnType<typeof openArchive>; readonly retention: Retention } {
  const archive = openArchive(config.archive, secrets.s3, ledger, {
    archived: (size) => {
      observer.archiveAt(size, ledger.sealedSize());
      retention.notify();
    },
    failed: (error) => observer.archiveFailed(error, archive?.location ?? ''),
  });
  const retention = new Retention(config.retention, ledger, archive, systemClock, {
    pruned: (before) => {
      observer.prunedAt(ledger.prunedLeaves());
      observer.pruned(before);
    },
    failed: (error) => observer.pruningFailed(error),
  });
  ledger.events.on('sealed', () => {
    if (archive?.size !== undefined) observer.archiveAt(archive.size, ledger.sealedSize());
    archive?.notify();
    retention.notify();
  });
  observer.started(ledger.start);
  observer.prunedAt(ledger.prunedLeaves());
  return { archive, retention };
}
