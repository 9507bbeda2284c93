import type { FastifyRequest } from 'fastify';
import type { Static, TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { fromUtf8 } from '../kernel/bytes.ts';
import { TEXT_CHARS_MAX, type Caller, type Precondition } from '../versions/ports.ts';
import { HttpError, type RequestFault } from './http-error.ts';
import { parseEtag } from './version-etag.ts';

/** A request with more faults than this is some other request. */
const FAULTS_MAX = 50;
/** Of a change: what a command, a script or a person sends. */
const JSON_BYTES_MAX = 16 * 1024;
const KEY = /^[\x21-\x7e]{1,255}$/;

/** Gathers everything that is wrong with a request about versions. */
export class RequestFaults {
  readonly #faults: RequestFault[] = [];

  add(field: string, reason: string): undefined {
    this.#faults.push({ field, reason });
    return undefined;
  }

  throwIfAny(): void {
    if (this.#faults.length === 0) return;
    const faults = this.#faults.slice(0, FAULTS_MAX);
    const detail = faults.map(({ field, reason }) => `${field} ${reason}`).join('; ');
    throw new HttpError('invalid-request', detail, { faults, faultsTotal: this.#faults.length });
  }
}

/** If-Match and If-None-Match of a change. Undefined: neither was sent, which the store judges. */
export function readPrecondition(request: FastifyRequest, faults: RequestFaults, mayBeFirst: boolean): Precondition | undefined {
  const { 'if-match': match, 'if-none-match': noneMatch } = request.headers;
  if (match !== undefined && noneMatch !== undefined) return faults.add('headers/if-none-match', 'contradicts If-Match: send one of them');
  if (noneMatch !== undefined) {
    if (!mayBeFirst) return faults.add('headers/if-none-match', 'has no meaning here: send If-Match with the ETag of the head');
    return noneMatch.trim() === '*' ? 'none' : faults.add('headers/if-none-match', 'can only be "*": there is no version yet');
  }
  if (match === undefined) return undefined;
  return parseEtag(match) ?? faults.add('headers/if-match', 'must be one strong ETag of a version, "NUMBER-SHA256" with its quotes');
}

export function readIdempotencyKey(request: FastifyRequest, faults: RequestFaults): string | undefined {
  const key = request.headers['idempotency-key'];
  if (key === undefined || (typeof key === 'string' && KEY.test(key))) return key;
  return faults.add('headers/idempotency-key', 'must be 1 to 255 visible ASCII characters');
}

/** X-Actor and X-Reason, or the same fields of the body. */
export function readCaller(request: FastifyRequest, faults: RequestFaults, body: Caller = {}): Caller {
  return { actor: readText(request, faults, 'actor', body.actor), reason: readText(request, faults, 'reason', body.reason) };
}

export function requireReason(request: FastifyRequest, faults: RequestFaults, body: Caller): void {
  if (body.reason === undefined && request.headers['x-reason'] === undefined) faults.add('body/reason', 'is missing: say why');
}

function readText(
  request: FastifyRequest,
  faults: RequestFaults,
  field: 'actor' | 'reason',
  inBody: string | undefined,
): string | undefined {
  const name = `x-${field}`;
  const header = request.headers[name];
  if (inBody !== undefined) {
    if (header !== undefined) return faults.add(`headers/${name}`, `contradicts the ${field} in the body: send one of them`);
    return checkText(inBody, faults, `body/${field}`);
  }
  if (header === undefined) return undefined;
  const text = typeof header === 'string' ? decodeHeader(header) : undefined;
  return text === undefined ? faults.add(`headers/${name}`, 'is not UTF-8') : checkText(text, faults, `headers/${name}`);
}

/** Node hands the bytes of a header over as Latin-1. */
function decodeHeader(header: string): string | undefined {
  try {
    return fromUtf8(Buffer.from(header, 'latin1'));
  } catch {
    return undefined;
  }
}

function checkText(text: string, faults: RequestFaults, field: string): string | undefined {
  if (text.trim() === '' || text.length > TEXT_CHARS_MAX) return faults.add(field, `must have 1 to ${TEXT_CHARS_MAX} characters`);
  if (/\p{Cc}/u.test(text) || !text.isWellFormed()) return faults.add(field, 'must not hold control characters or halves of characters');
  return text;
}

/** The JSON object of a body; undefined, with its faults noted, when it is not of this shape. An absent body is an empty object. */
export function readJsonBody<S extends TSchema>(request: FastifyRequest, faults: RequestFaults, schema: S): Static<S> | undefined {
  const { body } = request;
  const bytes = Buffer.isBuffer(body) ? body : Buffer.alloc(0);
  if (bytes.length > JSON_BYTES_MAX) throw new HttpError('too-large', `the body has more than ${JSON_BYTES_MAX} bytes`);
  let value: unknown;
  try {
    value = bytes.length === 0 ? {} : JSON.parse(fromUtf8(bytes));
  } catch (error) {
    return faults.add('body', `is no JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  const found = Value.Errors(schema, value).filter(({ keyword }) => keyword !== 'boolean');
  for (const { instancePath, message, params } of found) faults.add(`body${instancePath}`, `${message}${named(params)}`);
  return found.length === 0 ? (value as Static<S>) : undefined;
}

/** What the message leaves out: which properties. */
function named(params: object): string {
  const names = Object.values(params).find((value): value is unknown[] => Array.isArray(value));
  return names === undefined ? '' : ` (${names.map(String).join(', ')})`;
}
