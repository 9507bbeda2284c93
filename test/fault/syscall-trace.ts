import { existsSync, readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';

/** The calls that change a file system; "?" because not every architecture has each. */
const WRITING_CALLS = [
  'pwrite64',
  'write',
  'ftruncate',
  'fsync',
  'fdatasync',
  'openat',
  '?open',
  '?rename',
  '?renameat',
  '?renameat2',
  '?link',
  '?linkat',
  '?unlink',
  '?unlinkat',
  '?mkdir',
  '?mkdirat',
  '?rmdir',
];

/** What strace needs so that `readTrace` understands its output: paths of descriptors, and the first bytes that are written, in hex. */
export const TRACE_FORMAT = ['-y', '-x', '-s', '8', '-e', `trace=${WRITING_CALLS.join()}`];

export interface TracedCall {
  readonly thread: string;
  readonly name: string;
  readonly args: string;
  /** The file it is about: a descriptor's, or the first one named. */
  readonly path: string;
  /** What it returned; undefined when it never did. */
  readonly result: number | undefined;
  /** True when strace put something else in its place. */
  readonly isInjected: boolean;
}

export interface Trace {
  /** In the order in which they began. */
  readonly calls: readonly TracedCall[];
  /** Calls before the sidecar said that it takes requests; all of them when it never did. */
  readonly callsToListening: number;
  /** Calls before it was asked to stop; all of them when it never was. */
  readonly callsToStop: number;
}

/** strace is the sidecar's grandchild and may write its last lines after it has ended. */
const TRACE_WAITS_MAX = 100;
const TRACE_WAIT_MS = 20;

/** Waits until strace has seen the process end, then reads its calls. */
export async function readTrace(path: string, pid: number): Promise<Trace> {
  const ended = new RegExp(`^${pid} +\\+\\+\\+ (?:exited|killed)`, 'm');
  for (let waits = 0; waits < TRACE_WAITS_MAX; waits++) {
    const text = existsSync(path) ? readFileSync(path, 'latin1') : '';
    if (ended.test(text)) return parseTrace(text);
    await setTimeout(TRACE_WAIT_MS);
  }
  throw new Error(`strace has not finished its trace of ${pid}`);
}

/** The output of `strace -f -y -x -o`: one call a line, or its beginning where another thread came in between. */
function parseTrace(text: string): Trace {
  const calls: TracedCall[] = [];
  let callsToListening: number | undefined;
  let callsToStop: number | undefined;
  for (const line of text.split('\n')) {
    if (/^\d+ +--- SIGTERM /.test(line)) callsToStop ??= calls.length;
    const match = /^(\d+) +(\w+)\((.*)$/.exec(line);
    if (match === null) continue;
    const [, thread, name, args] = match;
    // The first words on standard output: "post-incident-proofs listening on …".
    if (name === 'write' && /^1<[^>]*>, "post-inc"/.test(args)) callsToListening ??= calls.length;
    calls.push({
      thread,
      name,
      args,
      path: /^\d+<([^>]*)>/.exec(args)?.[1] ?? /"([^"]*)"/.exec(args)?.[1] ?? '',
      result: resultOf(args),
      isInjected: line.endsWith('(INJECTED)') || line.endsWith('= ?') || line.endsWith('<unfinished ...>'),
    });
  }
  return { calls, callsToListening: callsToListening ?? calls.length, callsToStop: callsToStop ?? calls.length };
}

function resultOf(args: string): number | undefined {
  const result = /\) += (-?\d+)/.exec(args)?.[1];
  return result === undefined ? undefined : Number(result);
}

export function isSegmentWrite({ name, path }: TracedCall): boolean {
  return name === 'pwrite64' && path.includes('/ledger/segments/');
}

/** The first frame that is written is an epoch-seal: `u16 length ‖ version 1 ‖ type 3 ‖ …`. */
export function isSealFrame({ args }: TracedCall): boolean {
  return /, "\\x..\\x..\\x01\\x03/.test(args);
}
