import type { Batch } from './batches.ts';
import { ImportError } from './import-error.ts';

/** A sidecar under pressure answers 503 with Retry-After; one that starts takes seconds. Together about a minute and a half of patience. */
const ATTEMPTS_MAX = 12;
const BACKOFF_FIRST_MS = 200;
const BACKOFF_MAX_MS = 15_000;
/** A server may ask for more patience than this; it is asked again all the same. */
const RETRY_AFTER_MAX_MS = 60_000;
/** A batch is on disk in milliseconds; a request this old has lost its server. */
const REQUEST_TIMEOUT_MS = 60_000;
/** An answer with 10,000 faults is about 2 MB. */
const ANSWER_BYTES_MAX = 8 * 1024 * 1024;
const REASON_CHARS_MAX = 500;

export interface LineFault {
  /** Line of the file. */
  readonly line: number;
  readonly field: string;
  readonly reason: string;
}

export type SendOutcome =
  /** On disk. `isReplay`: it was there before. */
  | { readonly kind: 'stored'; readonly isReplay: boolean; readonly first: number; readonly last: number; readonly checkpoint: string }
  /** The same lines were imported before under another file name, year or zone: the key covers the lines, the body more. */
  | { readonly kind: 'stored-otherwise' }
  /** Nothing of the batch is stored. */
  | { readonly kind: 'refused'; readonly detail: string; readonly faults: readonly LineFault[]; readonly faultsTotal: number }
  | { readonly kind: 'interrupted' }
  /** A dry run: nothing was sent. */
  | { readonly kind: 'not-sent' };

export interface SidecarOptions {
  /** Base address, for example http://127.0.0.1:8080 */
  readonly url: string;
  readonly token: string | undefined;
  /** Waits, or returns early when the user interrupts. */
  readonly sleep: (ms: number) => Promise<void>;
  readonly signal: AbortSignal;
  readonly onRetry: (reason: string, waitMs: number) => void;
}

interface Answer {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly isReplay: boolean;
  readonly json: Readonly<Record<string, unknown>>;
}

/**
 * Sends one batch until it is on disk or refused for good; temporary refusals and lost answers are retried with the same
 * Idempotency-Key, so it lands once. A request under way is never given up because of an interruption.
 */
export async function sendBatch(batch: Batch, options: SidecarOptions): Promise<SendOutcome> {
  let reason = '';
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
    if (attempt > 1 && options.signal.aborted) return { kind: 'interrupted' };
    const answer = await post(batch, options).catch(toReason);
    if (typeof answer !== 'string' && !isTemporary(answer.status)) return interpret(answer, batch, options.url);
    reason = typeof answer === 'string' ? answer : `status ${answer.status}${detailOf(answer, ': ')}`;
    if (attempt === ATTEMPTS_MAX) break;
    const waitMs =
      (typeof answer === 'string' ? undefined : retryAfterMs(answer.retryAfter)) ??
      Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** (attempt - 1));
    options.onRetry(reason, waitMs);
    await options.sleep(waitMs);
  }
  throw new ImportError('unreachable', `no sidecar takes events at ${options.url} (${reason}); is "pproofs serve" running there?`);
}

async function post(batch: Batch, options: SidecarOptions): Promise<Answer> {
  const headers: Record<string, string> = {
    'content-type': 'application/x-ndjson',
    'idempotency-key': batch.key,
    accept: 'application/json, application/problem+json',
  };
  if (options.token !== undefined) headers.authorization = `Bearer ${options.token}`;
  // No redirect is followed: the token is for the address the user gave.
  const response = await fetch(new URL('events', withSlash(options.url)), {
    method: 'POST',
    headers,
    body: new Uint8Array(batch.body),
    redirect: 'manual',
    signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
  });
  return {
    status: response.status,
    retryAfter: response.headers.get('retry-after'),
    isReplay: response.headers.get('idempotency-replayed') === 'true',
    json: await readJson(response),
  };
}

function withSlash(url: string): string {
  return url.endsWith('/') ? url : `${url}/`;
}

async function readJson(response: Response): Promise<Record<string, unknown>> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > ANSWER_BYTES_MAX)
      throw new ImportError('bad-answer', `the answer is longer than ${ANSWER_BYTES_MAX} bytes: that is no sidecar`);
  }
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

/** Connection refused, reset, timed out … → words, to be tried again. Anything else is not about the network. */
function toReason(error: unknown): string {
  if (error instanceof ImportError || !(error instanceof Error)) throw error;
  if (error.name === 'TimeoutError') return `no answer within ${REQUEST_TIMEOUT_MS / 1000} s`;
  const cause = error.cause;
  if (cause instanceof Error && 'code' in cause) return cause.code === 'ECONNREFUSED' ? 'connection refused' : String(cause.code);
  // What is left fails the same way each time: an address that fetch refuses, an answer that is not HTTP.
  throw new ImportError('unreachable', cause instanceof Error ? cause.message : error.message, { cause: error });
}

function isTemporary(status: number): boolean {
  return status === 408 || status === 429 || (status >= 500 && status !== 501 && status !== 505 && status !== 507);
}

/** RFC 9110 section 10.2.3: seconds or a date; only seconds are used between a sidecar and us. */
function retryAfterMs(header: string | null): number | undefined {
  return header !== null && /^\d{1,9}$/.test(header) ? Math.min(Number(header) * 1000, RETRY_AFTER_MAX_MS) : undefined;
}

function interpret(answer: Answer, batch: Batch, url: string): SendOutcome {
  const { status, json } = answer;
  if (status === 201 || status === 200) {
    if (typeof json.first !== 'number' || typeof json.last !== 'number' || typeof json.checkpoint !== 'string') {
      throw new ImportError('bad-answer', `${url} answered ${status} without counters: that is no sidecar`);
    }
    return { kind: 'stored', isReplay: answer.isReplay, first: json.first, last: json.last, checkpoint: json.checkpoint };
  }
  // Used before with another body. The key covers every line up to here, so only what we derive can differ.
  if (status === 409 || status === 422) return { kind: 'stored-otherwise' };
  if (status === 400 || status === 413) return refusal(answer, batch);
  if (status === 401 || status === 403) {
    throw new ImportError(
      'forbidden',
      `${url} refuses the request (${status})${detailOf(answer, ': ')}; give --token-file with a token of scope ingest`,
    );
  }
  if (status === 507) {
    throw new ImportError(
      'disk-full',
      "the sidecar's disk is full: nothing of this batch is stored; make space there, then run the same command again",
    );
  }
  throw new ImportError('bad-answer', `${url} answered ${status}${detailOf(answer, ': ')}: that is no sidecar`);
}

function refusal(answer: Answer, batch: Batch): SendOutcome {
  const listed = Array.isArray(answer.json.faults) ? (answer.json.faults as readonly unknown[]) : [];
  const faults = listed.flatMap((fault): LineFault[] => {
    if (typeof fault !== 'object' || fault === null || !('line' in fault) || typeof fault.line !== 'number') return [];
    const field = 'field' in fault && typeof fault.field === 'string' ? fault.field : '';
    const reason = 'reason' in fault && typeof fault.reason === 'string' ? fault.reason : '';
    return [toFileFault(batch, { line: fault.line, field, reason: reason.slice(0, REASON_CHARS_MAX) })];
  });
  const total = answer.json.faultsTotal;
  return {
    kind: 'refused',
    detail: detailOf(answer, '') || `status ${answer.status}`,
    faults,
    faultsTotal: typeof total === 'number' ? total : faults.length,
  };
}

/** Line of a request → line of the file. */
export function toFileFault(batch: Batch, fault: LineFault): LineFault {
  return { ...fault, line: batch.lineNumbers[fault.line - 1] ?? fault.line };
}

function detailOf(answer: Answer, before: string): string {
  const { detail, title } = answer.json;
  const text = typeof detail === 'string' ? detail : typeof title === 'string' ? title : '';
  return text === '' ? '' : before + text.slice(0, REASON_CHARS_MAX);
}
