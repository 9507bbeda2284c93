import { existsSync, readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';

/** The calls that change a file system; "?" because not every architecture has each. */
export const WRITING_CALLS = [
  'pwrite64',
  'ftruncate',
  'fsync',
  'fdatasync',
  'openat',
  '?open',
  '?rename',
  '?renameat',
  '?renameat2',
  '?unlink',
  '?unlinkat',
  '?mkdir',
  '?mkdirat',
  '?rmdir',
];

export interface TracedCall {
  readonly thread: string;
  readonly name: string;
  readonly args: string;
  /** The file it is about: a descriptor's, or the first one named. */
  readonly path: string;
  /** True when strace put something else in its place. */
  readonly isInjected: boolean;
}

/** strace is the sidecar's grandchild and may write its last lines after it has ended. */
const TRACE_WAITS_MAX = 100;
const TRACE_WAIT_MS = 20;

/** Waits until strace has seen the process end, then reads its calls in the order in which they began. */
export async function readTrace(path: string, pid: number): Promise<TracedCall[]> {
  const ended = new RegExp(`^${pid} +\\+\\+\\+ (?:exited|killed)`, 'm');
  for (let waits = 0; waits < TRACE_WAITS_MAX; waits++) {
    const text = existsSync(path) ? readFileSync(path, 'latin1') : '';
    if (ended.test(text)) return parseTrace(text);
    await setTimeout(TRACE_WAIT_MS);
  }
  throw new Error(`strace has not finished its trace of ${pid}`);
}

/** The output of `strace -f -y -o`: one call a line, or its beginning where another thread came in between. */
function parseTrace(text: string): TracedCall[] {
  return text.split('\n').flatMap((line) => {
    const match = /^(\d+) +(\w+)\((.*)$/.exec(line);
    if (match === null) return [];
    const [, thread, name, args] = match;
    const path = /^\d+<([^>]*)>/.exec(args)?.[1] ?? /"([^"]*)"/.exec(args)?.[1] ?? '';
    return [
      { thread, name, args, path, isInjected: line.endsWith('(INJECTED)') || line.endsWith('= ?') || line.endsWith('<unfinished ...>') },
    ];
  });
}
