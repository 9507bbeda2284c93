import { EMPTY_BATCH } from '../kernel/event-batch.ts';
import type { Json } from '../kernel/canonical-json.ts';
import type { Ledger } from '../ledger/ports.ts';
import { DecisionCounts } from './decision-counts.ts';
import { TracedStore } from './decision-trace.ts';
import { DenialLog } from './denial-log.ts';
import { EmbeddedStore } from './embedded-store.ts';
import type { LimitStore } from './limit-store.ts';
import { Limiter, type Decision } from './limiter.ts';
import type { Limits, Subject } from './limits.ts';
import { LimitsSource } from './limits-source.ts';
import type { LimitsError } from './limits-file.ts';
import { connectRedis, examineServer } from './redis-client.ts';
import { RedisStore } from './redis-store.ts';
import { ShardedStore } from './sharded-store.ts';
import { SharedStore } from './shared-store.ts';
import { TopDenied, type DeniedKey } from './top-denied.ts';

/** Denials become a record of the ledger this often, and at the stop. */
const RECORD_MS = 10_000;

/** Where the limits stand, and where their windows are kept. */
export type LimiterOptions =
  | { readonly kind: 'off' }
  | ({ readonly kind: 'memory' } & OfEveryStore)
  | ({ readonly kind: 'redis'; readonly urls: readonly string[]; readonly prefix: string; readonly timeoutMs: number } & OfEveryStore);

interface OfEveryStore {
  readonly file: string;
  readonly keysMax: number;
  /** File that each decision is appended to. */
  readonly trace: string | undefined;
}

export interface LimiterEvents {
  readonly limitsChanged: (limits: Limits) => void;
  readonly limitsRefused: (error: LimitsError) => void;
  readonly storeReady: (isReady: boolean, why: string) => void;
  readonly clockJumped: (byUs: number) => void;
  readonly storeSeeded: (stamps: number) => void;
  readonly recordFailed: (error: unknown) => void;
  readonly traceFailed: (error: unknown) => void;
  /** The shared store answered a script of decisions after so long. */
  readonly storeAnswered: (tookMs: number) => void;
  /** The shared store is set up so that it may lose what it holds. */
  readonly storeRisky: (why: string) => void;
}

export interface LimiterStatus {
  readonly keys: number;
  /** Undefined where no store is shared. */
  readonly store: { readonly isReady: boolean; readonly nodes: number } | undefined;
}

/** The limits of a running sidecar: what decides, what it counted, and what becomes entries of the ledger. */
export interface OpenedLimiter {
  readonly limiter: Limiter;
  /**
   * The shared store was heard, or cannot be reached. A node that decided before would not know of the others, and take the whole limit for
   * its share.
   */
  readonly joined: Promise<void>;
  readonly counts: DecisionCounts;
  readonly status: () => LimiterStatus;
  /** Who was refused most, in the ten seconds before the last record. */
  readonly topDenied: () => readonly DeniedKey[];
  /** Counts a decision, and who was refused by what. */
  decided(decision: Decision, subject: Subject): void;
  /** Reads the limits file again. */
  reload(): void;
  /** Writes what is counted and not recorded yet. */
  close(): Promise<void>;
}

/** Undefined without a limits file. Throws LimitsError when there is one that cannot be used. */
export function openLimiter(
  config: LimiterOptions,
  password: string | undefined,
  ledger: Ledger,
  events: LimiterEvents,
): OpenedLimiter | undefined {
  if (config.kind === 'off') return undefined;
  const record = (type: 'limiterAggregate' | 'config', payload: Json): Promise<void> =>
    ledger.append({ events: EMPTY_BATCH, record: { type, payload } }).then(
      () => undefined,
      (error: unknown) => events.recordFailed(error),
    );
  const source = new LimitsSource(config.file, {
    changed: (limits) => {
      events.limitsChanged(limits);
      void record('config', { limits: limits.generation });
    },
    refused: (error) => events.limitsRefused(error),
  });
  const opened = openStore(config, password, events);
  const traced = config.trace === undefined ? undefined : new TracedStore(opened.store, config.trace, (error) => events.traceFailed(error));
  const counts = new DecisionCounts();
  const denials = new DenialLog();
  const top = new TopDenied();
  let topDenied: readonly DeniedKey[] = [];
  const flush = async (): Promise<void> => {
    topDenied = top.take();
    const payload = denials.take();
    if (payload !== undefined) await record('limiterAggregate', payload);
  };
  const timer = setInterval(() => void flush(), RECORD_MS).unref();
  void record('config', { limits: source.current.generation });
  return {
    limiter: new Limiter(traced ?? opened.store, () => source.current),
    joined: opened.joined,
    counts,
    status: opened.status,
    topDenied: () => topDenied,
    decided: (decision, subject) => {
      counts.count(decision);
      if (decision.outcome !== 'denied') return;
      for (const { name, key, isAdmitted, isDryRun } of decision.states)
        if (!isAdmitted && !isDryRun) {
          denials.count(name, subject[key]);
          top.count(name, subject[key]);
        }
    },
    reload: () => source.reload(),
    close: async () => {
      clearInterval(timer);
      source[Symbol.dispose]();
      await opened.close();
      traced?.[Symbol.dispose]();
      await flush();
    },
  };
}

/** A start waits so long for a shared store that answers but is not whole yet. */
const FIRST_JOIN_MS_MAX = 4000;
/** Keys are spread over so many sequences, each of which lies on one master. */
const CLUSTER_SHARDS = 16;

interface OpenedStore {
  readonly store: LimitStore;
  readonly joined: Promise<void>;
  readonly status: () => LimiterStatus;
  readonly close: () => Promise<void>;
}

function openStore(config: Exclude<LimiterOptions, { kind: 'off' }>, password: string | undefined, events: LimiterEvents): OpenedStore {
  const { keysMax } = config;
  if (config.kind === 'redis') return openShared(config, password, events);
  const store = new EmbeddedStore({ clockUs: () => Math.floor(performance.now() * 1000), keysMax });
  return { store, joined: Promise.resolve(), status: () => ({ keys: store.keys, store: undefined }), close: () => Promise.resolve() };
}

function openShared(
  { urls, prefix, keysMax, timeoutMs }: Extract<LimiterOptions, { kind: 'redis' }>,
  password: string | undefined,
  events: LimiterEvents,
): OpenedStore {
  const isCluster = urls.length > 1;
  const client = connectRedis({ urls, password, timeoutMs });
  const count = isCluster ? CLUSTER_SHARDS : 1;
  let readyShards = 0;
  let isExamined = false;
  const joined = Promise.withResolvers<void>();
  client.once('close', () => joined.resolve());
  setTimeout(() => joined.resolve(), FIRST_JOIN_MS_MAX).unref();
  const ready = (isReady: boolean, why: string): void => {
    if (isReady && !isExamined) void examineServer(client, events.storeRisky);
    isExamined ||= isReady;
    const wasWhole = readyShards === count;
    readyShards += isReady ? 1 : -1;
    if (readyShards === count) joined.resolve();
    if (wasWhole !== (readyShards === count)) events.storeReady(isReady, why);
  };
  const shards = Array.from({ length: count }, (_, i) => {
    const redis: RedisStore = new RedisStore({
      client,
      timeoutMs,
      // What stands in braces decides the slot: a shard lies on one master whole.
      prefix: isCluster ? `{${prefix}${i}}:` : prefix,
      ownStamps: (sinceUs) => own.newerThan(sinceUs),
      events: {
        ready,
        jumped: (byUs) => events.clockJumped(byUs),
        seeded: (stamps) => events.storeSeeded(stamps),
        answered: (tookMs) => events.storeAnswered(tookMs),
      },
    });
    const own = new EmbeddedStore({ clockUs: () => redis.nowUs(), keysMax: Math.ceil(keysMax / count) });
    return { redis, own, shared: new SharedStore(redis, own) };
  });
  return {
    store: isCluster ? new ShardedStore(shards.map(({ shared }) => shared)) : shards[0].shared,
    joined: joined.promise,
    status: () => ({
      keys: shards.reduce((sum, { own }) => sum + own.keys, 0),
      store: { isReady: readyShards === count, nodes: Math.max(...shards.map(({ redis }) => redis.share.nodes)) },
    }),
    close: async () => {
      for (const { redis } of shards) await redis[Symbol.asyncDispose]();
      client.disconnect();
    },
  };
}
