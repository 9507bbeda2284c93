import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openFaultyLink, type FaultyLink } from '../../test/support/faulty-link.ts';
import { freePort, startRedis, type RedisServer } from '../../test/support/redis-server.ts';
import { startSidecar, type Sidecar } from '../../test/support/sidecar.ts';
import { makeStepClock, type StepClock } from '../../test/support/step-clock.ts';
import { tempDir } from '../../test/support/temp-dir.ts';

const READY_MS_MAX = 20_000;

export interface StageOptions {
  readonly limits: string;
  readonly nodes: number;
  readonly store: 'memory' | 'redis';
  readonly isAppendOnly: boolean;
  /** How long a decision waits for Redis. */
  readonly timeoutMs: number;
  /** Clocks that can be set; a library is preloaded for them. */
  readonly hasStepClock: boolean;
}

/** What a run takes place on: real sidecars, and a real Redis server behind a link that can be made bad. All of it ends with the scope. */
export interface Stage extends AsyncDisposable {
  readonly urls: readonly string[];
  readonly traces: readonly string[];
  /** Of Redis where there is one, else of the sidecars. */
  readonly clock: StepClock | undefined;
  readonly redis: RedisServer;
  readonly link: FaultyLink;
  readonly writeLimits: (text: string) => void;
  /** kill -9, and another one on the same port after some time. */
  readonly killNode: (index: number, downMs: number) => Promise<void>;
}

export async function makeStage(options: StageOptions): Promise<Stage> {
  await using stack = new AsyncDisposableStack();
  const { path } = stack.adopt(tempDir(), (each) => each[Symbol.dispose]());
  const clock = options.hasStepClock ? stack.use(makeStepClock()) : undefined;
  const limitsFile = join(path, 'limits.yaml');
  writeFileSync(limitsFile, options.limits);
  const isShared = options.store === 'redis';
  const shared = isShared ? await startShared(stack, options.isAppendOnly, clock) : undefined;
  const traces = Array.from({ length: options.nodes }, (_, i) => join(path, `trace-${i}.ndjson`));
  const store: Readonly<Record<string, string>> =
    shared === undefined ? {} : { PROOFS_LIMITS_STORE: 'redis', PROOFS_REDIS_URL: `redis://127.0.0.1:${shared.link.port}` };
  const ports = await Promise.all(traces.map(() => freePort()));
  const start = (index: number): Promise<Sidecar> =>
    startSidecar({
      dataDir: join(path, `data-${index}`),
      port: ports[index],
      env: {
        PROOFS_LIMITS_FILE: limitsFile,
        PROOFS_LIMITS_TRACE: traces[index],
        PROOFS_LIMITS_TIMEOUT_MS: String(options.timeoutMs),
        PROOFS_LOG_LEVEL: 'error',
        ...store,
        ...(isShared ? {} : clock?.env),
      },
    });
  const nodes: Sidecar[] = [];
  stack.defer(async () => {
    for (const node of nodes) await node[Symbol.asyncDispose]();
  });
  for (const index of traces.keys()) nodes.push(await start(index));
  if (isShared) await Promise.all(nodes.map(({ url }) => waitForStore(url, options.nodes)));
  const owned = stack.move();
  const redisOf = (): NonNullable<typeof shared> => {
    if (shared === undefined) throw new Error('windows are in memory: there is no Redis here');
    return shared;
  };
  return {
    urls: nodes.map(({ url }) => url),
    traces,
    clock,
    get redis() {
      return redisOf().redis;
    },
    get link() {
      return redisOf().link;
    },
    writeLimits: (text) => writeFileSync(limitsFile, text),
    killNode: async (index, downMs) => {
      nodes[index].kill('SIGKILL');
      await nodes[index].exited;
      await sleep(downMs);
      nodes[index] = await start(index);
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function startShared(stack: AsyncDisposableStack, isAppendOnly: boolean, clock: StepClock | undefined) {
  const redis = stack.use(await startRedis({ isAppendOnly, ...(clock === undefined ? {} : { env: clock.env }) }));
  const link = stack.use(await openFaultyLink(Number(new URL(redis.url).port)));
  return { redis, link };
}

/** The node decides through the store, and has heard of all the others. */
async function waitForStore(url: string, nodes: number): Promise<void> {
  const deadlineMs = performance.now() + READY_MS_MAX;
  for (;;) {
    const text = await (await fetch(`${url}/metrics`)).text();
    if (/^proofs_ratelimit_store_up 1$/m.test(text) && text.includes(`proofs_ratelimit_nodes ${nodes}\n`)) return;
    if (performance.now() > deadlineMs) throw new Error(`the store was not ready within ${READY_MS_MAX} ms`);
    await sleep(50);
  }
}
