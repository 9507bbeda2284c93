import { Buffer } from 'node:buffer';
import { createReadStream, type Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { ImportError } from './import-error.ts';

/** Detection and the checks of what kind of input this is look at this much of it. */
const HEAD_BYTES_MAX = 65_536;

/** A log file, or standard input. */
export interface LogSource {
  /** As the user named it. */
  readonly label: string;
  /** Base name; undefined for standard input. */
  readonly fileName: string | undefined;
  /** undefined when it cannot be known before the end. */
  readonly sizeBytes: number | undefined;
  /** The first bytes. */
  readonly head: Buffer;
  /** True when `chunks` may be called more than once. */
  readonly isRewindable: boolean;
  chunks(): AsyncIterable<Uint8Array>;
}

/** Opens a file, or standard input for "-"; throws ImportError `unreadable` or `unsupported`. */
export async function openLogSource(path: string, stdin: AsyncIterable<string | Buffer>): Promise<LogSource> {
  const source = path === '-' ? await openStream('standard input', undefined, toBuffers(stdin)) : await openFile(path);
  assertText(source);
  return source;
}

async function openFile(path: string): Promise<LogSource> {
  const info = await readStats(path);
  if (info.isDirectory()) throw new ImportError('unreadable', `"${path}" is a directory`);
  const chunks = (): AsyncIterable<Uint8Array> => readFileChunks(path);
  if (!info.isFile()) return openStream(path, basename(path), chunks());
  const { head } = await peek(readFileChunks(path, HEAD_BYTES_MAX));
  return { label: path, fileName: basename(path), sizeBytes: info.size, head, isRewindable: true, chunks };
}

async function openStream(label: string, fileName: string | undefined, chunks: AsyncIterable<Uint8Array>): Promise<LogSource> {
  const { head, all } = await peek(chunks);
  return { label, fileName, sizeBytes: undefined, head, isRewindable: false, chunks: () => all };
}

async function readStats(path: string): Promise<Stats> {
  try {
    return await stat(path);
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

async function* readFileChunks(path: string, bytesMax: number = Number.POSITIVE_INFINITY): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: HEAD_BYTES_MAX, end: bytesMax - 1 })) yield chunk as Buffer;
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

function unreadable(path: string, cause: unknown): ImportError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown error';
  const why = code === 'ENOENT' ? 'there is no such file' : code === 'EACCES' ? 'no permission to read it' : code;
  return new ImportError('unreadable', `"${path}" cannot be read: ${why}`, { cause });
}

async function* toBuffers(chunks: AsyncIterable<string | Buffer>): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
}

/** The first bytes, and an iterable of everything, those included. It can be run through once. */
async function peek(chunks: AsyncIterable<Uint8Array>): Promise<{ head: Buffer; all: AsyncIterable<Uint8Array> }> {
  const iterator = chunks[Symbol.asyncIterator]();
  const first: Uint8Array[] = [];
  let bytes = 0;
  let isDone = false;
  while (bytes < HEAD_BYTES_MAX && !isDone) {
    const next = await iterator.next();
    if (next.done === true) isDone = true;
    else {
      first.push(next.value);
      bytes += next.value.length;
    }
  }
  async function* all(): AsyncGenerator<Uint8Array> {
    yield* first;
    if (!isDone) yield* { [Symbol.asyncIterator]: () => iterator };
  }
  return { head: Buffer.concat(first).subarray(0, HEAD_BYTES_MAX), all: all() };
}

const MAGICS: readonly (readonly [number[], string, string])[] = [
  [[0x1f, 0x8b], 'gzip', 'gunzip -c'],
  [[0x28, 0xb5, 0x2f, 0xfd], 'zstd', 'zstd -dc'],
  [[0xfd, 0x37, 0x7a, 0x58, 0x5a], 'xz', 'xz -dc'],
  [[0x42, 0x5a, 0x68], 'bzip2', 'bzip2 -dc'],
];

function assertText(source: LogSource): void {
  const { head, label } = source;
  for (const [magic, name, tool] of MAGICS) {
    if (head.length >= magic.length && magic.every((byte, at) => head[at] === byte)) {
      throw new ImportError('unsupported', `"${label}" is compressed with ${name}; run: ${tool} FILE | pproofs import -`);
    }
  }
  const isWide = (head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff);
  if (isWide) throw new ImportError('unsupported', `"${label}" is UTF-16; run: iconv -f UTF-16 -t UTF-8 FILE | pproofs import -`);
}
