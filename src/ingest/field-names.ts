import type { JsonTape } from './json-tape.ts';
import { KEY_AT, KEY_END } from './json-tape.ts';

/** Our fields in canonical order: the order in which they are written. */
export const FIELDS = ['actor', 'attributes', 'level', 'message', 'source', 'spanId', 'tenant', 'time', 'traceId'] as const;
export type Field = (typeof FIELDS)[number];

/** Names that producers use for a field, by precedence: the first that is there wins, the others stay attributes. */
export const ALIASES: Readonly<Record<Field, readonly string[]>> = {
  actor: ['actor'],
  attributes: ['attributes'],
  level: ['level', 'log.level', 'severityText'],
  message: ['message', 'msg'],
  source: ['source', 'service.name'],
  spanId: ['spanId', 'span.id', 'span_id'],
  tenant: ['tenant'],
  time: ['time', '@timestamp', 'timestamp'],
  traceId: ['traceId', 'trace.id', 'trace_id'],
};

interface Name {
  readonly bytes: Uint8Array;
  /** Index into FIELDS. */
  readonly field: number;
  /** 0 is the highest. */
  readonly precedence: number;
}

/** Names by length in bytes: a key is compared with one to four of them. */
const BY_LENGTH: Name[][] = [];
FIELDS.forEach((field, index) => {
  ALIASES[field].forEach((name, precedence) => {
    const bytes = new TextEncoder().encode(name);
    (BY_LENGTH[bytes.length] ??= []).push({ bytes, field: index, precedence });
  });
});

/** Which of our fields a member's key names; undefined for a foreign key. */
export function fieldName(tape: JsonTape, node: number): Name | undefined {
  const at = tape.nodes[node + KEY_AT];
  const candidates = BY_LENGTH[tape.nodes[node + KEY_END] - at];
  if (candidates === undefined) return undefined;
  const first = tape.text[at];
  for (const candidate of candidates) if (candidate.bytes[0] === first && continuesWith(tape.text, at, candidate.bytes)) return candidate;
  return undefined;
}

function continuesWith(text: Uint8Array, at: number, bytes: Uint8Array): boolean {
  for (let i = 1; i < bytes.length; i++) if (text[at + i] !== bytes[i]) return false;
  return true;
}
