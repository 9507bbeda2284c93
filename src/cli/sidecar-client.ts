import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { pipeline, type Readable } from 'node:stream';
import { ERROR_CODES, isErrorCode, type ErrorEntry } from '../kernel/error-codes.ts';
import { EXIT_ERROR } from './command.ts';

/** As in sysexits.h: service unavailable, protocol; 130 = stopped by Ctrl-C. */
const EXIT_UNREACHABLE = 69;
const EXIT_REFUSED = 76;
const EXIT_INTERRUPTED = 130;
/** Making, comparing or hashing contents of gigabytes takes minutes in which nothing is said. */
const SILENCE_MS_MAX = 30 * 60_000;
const KEEP_ALIVE_MS = 30_000;
/** Answers about versions: 1000 records with their reasons. */
const JSON_BYTES_MAX = 16 * 1024 * 1024;
const REASON_CHARS_MAX = 1000;
const PROBLEM_TYPE = /^urn:post-incident-proofs:error:([a-z-]{1,40})$/;

/** Why a sidecar did not do what it was asked. */
export class SidecarError extends Error {
  readonly kind: 'unreachable' | 'refused' | 'interrupted' | 'strange';
  readonly exitCode: number;
  /** HTTP status of a refusal. */
  readonly status: number | undefined;

  constructor(kind: SidecarError['kind'], message: string, options: { status?: number; exitCode?: number; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.kind = kind;
    this.status = options.status;
    this.exitCode = options.exitCode ?? EXITS[kind];
  }
}

const EXITS = { unreachable: EXIT_UNREACHABLE, refused: EXIT_REFUSED, interrupted: EXIT_INTERRUPTED, strange: EXIT_ERROR } as const;

export interface SidecarRequest {
  readonly method?: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** Below the sidecar's address, without a slash in front. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  /** Values may hold any characters: they are sent as UTF-8. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly body?: { readonly chunks: Readable; readonly bytes: number | undefined } | { readonly json: object };
  /** Silence that ends the exchange. */
  readonly silenceMsMax?: number;
}

/** Talks to one sidecar. No redirect is followed: the token is for the address the user gave. What comes back is bounded and hostile. */
export class SidecarClient {
  readonly url: string;
  readonly #token: string | undefined;
  readonly #signal: AbortSignal;

  constructor(url: string, token: string | undefined, signal: AbortSignal) {
    this.url = url;
    this.#token = token;
    this.#signal = signal;
  }

  /** The answer, when it is none of a refusal. Throws SidecarError. */
  async ask(asked: SidecarRequest): Promise<IncomingMessage> {
    const response = await this.#send(asked);
    const { statusCode = 0 } = response;
    if (statusCode >= 200 && statusCode < 300) return response;
    const text = await readText(response).catch(() => '');
    response.destroy();
    throw toRefusal(statusCode, text);
  }

  /** The body of an answer. Throws SidecarError where it ends too early. */
  async *chunks(response: IncomingMessage): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield* response as AsyncIterable<Uint8Array>;
    } catch (error) {
      throw this.#toError(error);
    }
  }

  /** The JSON object of the answer. */
  async json(asked: SidecarRequest): Promise<Readonly<Record<string, unknown>>> {
    const response = await this.ask(asked);
    try {
      const value: unknown = JSON.parse(await readText(this.chunks(response)));
      if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
    } catch (cause) {
      if (cause instanceof SidecarError) throw cause;
    }
    throw new SidecarError('strange', 'the answer is no JSON object; that may be no sidecar');
  }

  #send({ method = 'GET', path, query = {}, headers = {}, body, silenceMsMax = SILENCE_MS_MAX }: SidecarRequest): Promise<IncomingMessage> {
    const address = new URL(path, this.url.endsWith('/') ? this.url : `${this.url}/`);
    for (const [name, value] of Object.entries(query)) if (value !== undefined) address.searchParams.set(name, value);
    const send = address.protocol === 'https:' ? httpsRequest : httpRequest;
    return new Promise((resolve, reject) => {
      const request = send(address, { method, headers: this.#headers(headers, body), signal: this.#signal });
      request.once('response', resolve);
      // Later ones, of a body that is still being sent when the answer is there, are no news.
      request.on('error', (error) => reject(this.#toError(error)));
      request.once('socket', (socket) => socket.setKeepAlive(true, KEEP_ALIVE_MS));
      request.setTimeout(silenceMsMax, () => request.destroy(new Error(`nothing was heard for ${silenceMsMax / 1000} s`)));
      if (body === undefined) request.end();
      else if ('json' in body) request.end(JSON.stringify(body.json));
      else pipeline(body.chunks, request, () => undefined);
    });
  }

  #headers(given: NonNullable<SidecarRequest['headers']>, body: SidecarRequest['body']): Record<string, string | number> {
    const headers: Record<string, string | number> = { accept: '*/*' };
    if (this.#token !== undefined) headers['authorization'] = `Bearer ${this.#token}`;
    if (body !== undefined && 'json' in body) headers['content-type'] = 'application/json';
    else if (body !== undefined) headers['content-type'] = 'application/octet-stream';
    if (body !== undefined && 'bytes' in body && body.bytes !== undefined) headers['content-length'] = body.bytes;
    // Node writes the characters of a header as Latin-1.
    for (const [name, value] of Object.entries(given)) if (value !== undefined) headers[name] = Buffer.from(value).toString('latin1');
    return headers;
  }

  #toError(error: unknown): SidecarError {
    if (error instanceof SidecarError) return error;
    if (this.#signal.aborted) return new SidecarError('interrupted', 'interrupted', { cause: error });
    const reason = error instanceof Error ? error.message || String(error) : String(error);
    // Node's word for a connection that ended inside an answer.
    return new SidecarError('unreachable', reason === 'aborted' ? 'the connection was cut' : reason, { cause: error });
  }
}

async function readText(response: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response) {
    length += chunk.length;
    if (length > JSON_BYTES_MAX) throw new SidecarError('strange', `the answer is longer than ${JSON_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** RFC 9457 `detail`, else nothing that could be read; errors that the table gives an exit code end with it. */
function toRefusal(status: number, text: string): SidecarError {
  let problem: Readonly<Record<string, unknown>> = {};
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) problem = { ...value };
  } catch {
    // Said below.
  }
  const { detail, type } = problem;
  const reason = typeof detail === 'string' ? detail.slice(0, REASON_CHARS_MAX) : 'without an explanation; that may be no sidecar';
  const code = PROBLEM_TYPE.exec(String(type))?.[1] ?? '';
  const entry: ErrorEntry | undefined = isErrorCode(code) ? ERROR_CODES[code] : undefined;
  return new SidecarError('refused', reason, { status, exitCode: entry?.exit ?? EXIT_REFUSED });
}
