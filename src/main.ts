#!/usr/bin/env node
/** The only file that touches the process: arguments, streams, signals, exit code. */
import { COMMANDS } from './cli/commands.ts';
import type { CommandIo } from './cli/command.ts';
import { dispatch } from './cli/dispatch.ts';
import { readEnvironment } from './config/env.ts';
import { serve } from './cli/serve.ts';

const env = readEnvironment();
const stop = new AbortController();
let signals = 0;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    signals++;
    // The first asks for a drain, the second means it: what is on the disk by then is judged at the next start.
    if (signals > 1) process.exit(128 + (signal === 'SIGINT' ? 2 : 15));
    stop.abort();
  });
}

const io: CommandIo = {
  stdout: process.stdout,
  stderr: process.stderr,
  stdin: process.stdin,
  env,
  isTerminal: process.stderr.isTTY,
  useColor: process.stdout.isTTY && !env['NO_COLOR'],
  signal: stop.signal,
  onHangup: (listener) => void process.on('SIGHUP', listener),
};

const code = await dispatch(process.argv.slice(2), io, [serve, ...COMMANDS]);
// A worker thread or a half-open socket must not keep a finished command alive; standard streams are flushed first.
process.stdout.write('', () => process.stderr.write('', () => process.exit(code)));
