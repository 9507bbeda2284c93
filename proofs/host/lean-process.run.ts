/**
 * The process that runs Lean, started by LeanProcess: a crash in it ends nothing else, and its memory goes when it goes. Requests are lines
 * of JSON on standard input, answers lines on descriptor 3; the standard output of this build carries debug lines.
 *
 * It reads and writes without the event loop: in a turn of the loop Lean's threads may run file calls on the main thread, after which the
 * next import ends with "bad file descriptor" (measured: one turn between two files is enough).
 */
import { readSync, writeSync } from 'node:fs';
import { Lean } from './lean.ts';
import type { Answer, Request } from './protocol.ts';

const REQUESTS_FD = 0;
const ANSWERS_FD = 3;
const CHUNK_BYTES = 1024 * 1024;

/** Lines of standard input; nothing more when its writer is gone. */
function* readLines(): Generator<string> {
  const chunk = Buffer.alloc(CHUNK_BYTES);
  let parts: Buffer[] = [];
  for (;;) {
    const length = readSync(REQUESTS_FD, chunk);
    if (length === 0) return;
    let from = 0;
    for (let end = chunk.indexOf('\n'); end !== -1 && end < length; end = chunk.indexOf('\n', from)) {
      yield Buffer.concat([...parts, chunk.subarray(from, end)]).toString('utf8');
      parts = [];
      from = end + 1;
    }
    parts.push(Buffer.from(chunk.subarray(from, length)));
  }
}

function writeAnswer(answer: Answer): void {
  const line = Buffer.from(`${JSON.stringify(answer)}\n`);
  for (let at = 0; at < line.length;) at += writeSync(ANSWERS_FD, line, at);
}

function answer(lean: Lean, functions: Map<string, (argument: string) => string>, request: Request): Answer {
  if (request.kind === 'start') throw new Error('Lean runs already');
  if (request.kind === 'check') return { kind: 'checked', output: lean.check(request.input) };
  if (request.kind === 'load') {
    for (const [name, run] of lean.functions(request.input, request.names)) functions.set(name, run);
    return { kind: 'loaded' };
  }
  const run = functions.get(request.name);
  if (run === undefined) throw new Error(`"${request.name}" was not loaded`);
  return { kind: 'called', results: request.arguments.map((argument) => run(argument)) };
}

/** A crash in a thread of Lean arrives as a bare value, so anything may. */
function toFailure(error: unknown): Answer {
  return { kind: 'failed', reason: error instanceof Error ? error.message : String(error) };
}

const lines = readLines();
const first = JSON.parse(lines.next().value ?? '{}') as Request;
if (first.kind !== 'start') throw new Error('the first request has to start Lean');
const lean = await Lean.start(first.distDir, first.oleanDirs);
writeAnswer({ kind: 'started' });
const functions = new Map<string, (argument: string) => string>();
for (const line of lines) {
  let reply: Answer;
  try {
    reply = answer(lean, functions, JSON.parse(line) as Request);
  } catch (error) {
    reply = toFailure(error);
  }
  writeAnswer(reply);
}
// Lean's threads would keep the process alive for ever.
process.exit(0);
