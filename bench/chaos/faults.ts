import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { Dice } from '../../test/support/dice.ts';
import type { Stage } from './stage.ts';

/**
 * `exact`: no false negative, no false positive · `phantoms`: no false negative; charges whose answer was lost may refuse too early ·
 * `shares`: while nodes decide alone, at most R + Σ floor(R / N) of the cut-off nodes · `lost`: windows went with the process, at most 2 R.
 */
export type Verdict = 'exact' | 'phantoms' | 'shares' | 'lost';

export interface Fault {
  readonly name: string;
  readonly what: string;
  readonly nodes: 1 | 2;
  readonly store: 'memory' | 'redis';
  readonly isAppendOnly?: true;
  readonly hasStepClock?: true;
  /** The stamps of the trace are not on one time line, or limits change: then only what clients know for certain is judged. */
  readonly judgedBy?: 'client' | 'trace';
  readonly expected: Verdict;
  readonly isInSmoke?: true;
  readonly inject: (stage: Stage, limits: string) => Promise<void>;
}

const DOWN_MS = 1000;
const SLOW_MS = 1500;
const BUSY_LOOPS = 4;

export const FAULTS: readonly Fault[] = [
  { name: 'none', what: 'Two nodes, nothing happens', nodes: 2, store: 'redis', expected: 'exact', inject: () => Promise.resolve() },
  {
    name: 'redis-kill-aof',
    what: 'Redis with an append-only file is killed (kill -9), and started again a second later',
    nodes: 1,
    store: 'redis',
    isAppendOnly: true,
    expected: 'phantoms',
    isInSmoke: true,
    inject: restartRedis,
  },
  {
    name: 'redis-kill',
    what: 'Redis without persistence is killed, and started again empty a second later; one node',
    nodes: 1,
    store: 'redis',
    expected: 'phantoms',
    inject: restartRedis,
  },
  {
    name: 'redis-kill-two-nodes',
    what: 'The same with two nodes, which decide alone by their shares meanwhile',
    nodes: 2,
    store: 'redis',
    expected: 'shares',
    inject: restartRedis,
  },
  {
    name: 'flushall',
    what: 'FLUSHALL; one node',
    nodes: 1,
    store: 'redis',
    expected: 'phantoms',
    isInSmoke: true,
    inject: async ({ redis }) => void (await redis.command('FLUSHALL')),
  },
  {
    name: 'flushall-two-nodes',
    what: 'FLUSHALL; two nodes, both of which bring back what they admitted',
    nodes: 2,
    store: 'redis',
    expected: 'shares',
    inject: async ({ redis }) => void (await redis.command('FLUSHALL')),
  },
  {
    name: 'script-flush',
    what: 'SCRIPT FLUSH',
    nodes: 2,
    store: 'redis',
    expected: 'exact',
    inject: async ({ redis }) => void (await redis.command('SCRIPT', 'FLUSH')),
  },
  {
    name: 'latency',
    what: 'Between node and Redis each chunk takes 0 to 500 ms longer; a decision waits for 250 ms',
    nodes: 1,
    store: 'redis',
    expected: 'phantoms',
    inject: async ({ link }) => {
      const dice = new Dice(1, 0);
      link.delayMs = () => dice.below(500);
      await sleep(SLOW_MS);
      link.delayMs = () => 0;
    },
  },
  {
    name: 'lost-replies',
    what: 'For a second every answer of Redis is lost, with its connection',
    nodes: 1,
    store: 'redis',
    expected: 'phantoms',
    isInSmoke: true,
    inject: async ({ link }) => {
      link.isLosingReplies = true;
      await sleep(DOWN_MS);
      link.isLosingReplies = false;
    },
  },
  {
    name: 'half-open',
    what: 'The connections to Redis die without a word',
    nodes: 1,
    store: 'redis',
    expected: 'phantoms',
    inject: ({ link }) => {
      link.stall();
      return Promise.resolve();
    },
  },
  {
    name: 'slow-redis',
    what: 'Redis stands still for 400 ms, three times (SIGSTOP)',
    nodes: 1,
    store: 'redis',
    expected: 'phantoms',
    inject: async ({ redis }) => {
      for (let times = 0; times < 3; times++) {
        redis.signal('SIGSTOP');
        await sleep(400);
        redis.signal('SIGCONT');
        await sleep(200);
      }
    },
  },
  {
    name: 'redis-clock-back',
    what: 'The clock of the Redis server goes back by an hour',
    nodes: 2,
    store: 'redis',
    hasStepClock: true,
    judgedBy: 'client',
    expected: 'shares',
    inject: stepClock(-3600),
  },
  {
    name: 'redis-clock-ahead',
    what: 'The clock of the Redis server goes ahead by ten seconds; one node',
    nodes: 1,
    store: 'redis',
    hasStepClock: true,
    expected: 'phantoms',
    inject: stepClock(10),
  },
  {
    name: 'node-clock',
    what: 'The clock of a node with windows in memory goes back by an hour and then ahead by two',
    nodes: 1,
    store: 'memory',
    hasStepClock: true,
    expected: 'exact',
    inject: async ({ clock }) => {
      clock?.set(-3600);
      await sleep(DOWN_MS);
      clock?.set(3600);
    },
  },
  {
    name: 'node-kill',
    what: 'One of two nodes is killed (kill -9), and started again a second later',
    nodes: 2,
    store: 'redis',
    expected: 'phantoms',
    isInSmoke: true,
    inject: (stage) => stage.killNode(1, DOWN_MS),
  },
  {
    name: 'node-kill-memory',
    what: 'A node with windows in memory is killed and started again: they are gone',
    nodes: 1,
    store: 'memory',
    judgedBy: 'client',
    expected: 'lost',
    inject: (stage) => stage.killNode(0, 0),
  },
  {
    name: 'reload',
    what: 'The limits file changes under load: more for addresses, then less',
    nodes: 2,
    store: 'redis',
    judgedBy: 'trace',
    expected: 'exact',
    inject: async ({ writeLimits }, limits) => {
      writeLimits(limits.replace('limit: 20,', 'limit: 30,'));
      await sleep(1500);
      writeLimits(limits.replace('limit: 20,', 'limit: 10,'));
    },
  },
  {
    name: 'cpu',
    what: 'Four busy loops beside a node with windows in memory, for one and a half seconds',
    nodes: 1,
    store: 'memory',
    expected: 'exact',
    inject: async () => {
      const loops = Array.from({ length: BUSY_LOOPS }, () => spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }));
      await sleep(SLOW_MS);
      for (const loop of loops) loop.kill('SIGKILL');
    },
  },
];

async function restartRedis({ redis }: Stage): Promise<void> {
  await redis.kill();
  await sleep(DOWN_MS);
  await redis.restart();
}

function stepClock(seconds: number): (stage: Stage) => Promise<void> {
  return ({ clock }) => {
    clock?.set(seconds);
    return Promise.resolve();
  };
}
