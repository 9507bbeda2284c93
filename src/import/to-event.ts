import { isUtf8 } from 'node:buffer';
import type { Json } from '../kernel/canonical-json.ts';
import { LINE_PARSERS, type LineFormat } from './formats.ts';
import { inferLevel } from './infer-level.ts';
import type { ParsedLine } from './parsed-line.ts';
import type { ResolvedTime } from './resolve-time.ts';
import type { RawLine } from './split-lines.ts';

/** The whole line stands in the attributes; a message longer than this is cut and says so. */
const MESSAGE_CHARS_MAX = 1024;
/** Bounds of docs/events.md for `source` and `actor`; a longer name stays in the line only. */
const NAME_CHARS_MAX = 256;
/** User agents and the like: a longer one stays in the line only, so that the entry's size stays bounded (see split-lines.ts). */
const ATTRIBUTE_CHARS_MAX = 512;

export interface EventContext {
  readonly format: Exclude<LineFormat, 'ndjson'>;
  /** Base name of the file; undefined for standard input. */
  readonly fileName?: string | undefined;
  readonly tenant?: string | undefined;
  /** Overrides the program a line names. */
  readonly source?: string | undefined;
  readonly resolveTime: (time: NonNullable<ParsedLine['time']>) => ResolvedTime | undefined;
}

/** Lines in file order → events as JSON texts. Every line gives an event: one that is not in the format is kept as plain text. */
export function createEventWriter(context: EventContext): (line: RawLine) => string {
  let previousTime: string | undefined;
  let longLine: Pick<ParsedLine, 'source'> & { time?: string | undefined } = {};
  return (line) => {
    // Malformed UTF-8 shows as U+FFFD; the bytes themselves are then kept as base64.
    const text = line.bytes.toString('utf8');
    const isContinuedPart = line.part > 1;
    const inFormat = isContinuedPart ? undefined : LINE_PARSERS[context.format](line.number === 1 ? text.replace(/^\ufeff/, '') : text);
    const parsed = inFormat ?? { message: text, source: isContinuedPart ? longLine.source : undefined, attributes: {} };
    const time = resolve(parsed, isContinuedPart ? longLine.time : previousTime, context);
    const inferredLevel =
      parsed.level === undefined && (context.format === 'syslog' || context.format === 'access') ? inferLevel(parsed) : undefined;
    if (time.text !== undefined) previousTime = time.text;
    if (line.part === 1) longLine = { source: parsed.source, time: time.text };
    return JSON.stringify({
      time: time.text,
      level: parsed.level ?? inferredLevel,
      message: parsed.message.slice(0, MESSAGE_CHARS_MAX).toWellFormed(),
      tenant: context.tenant,
      source: context.source ?? toName(parsed.source),
      actor: toName(parsed.actor),
      attributes: {
        ...plainOnly(parsed.attributes),
        program: context.source === undefined ? undefined : toName(parsed.source),
        ...(isUtf8(line.bytes) ? { line: text } : { lineBase64: line.bytes.toString('base64') }),
        lineNumber: line.number,
        file: context.fileName,
        format: inFormat === undefined ? 'plain' : context.format,
        part: line.part === 0 ? undefined : line.part,
        lastPart: line.part > 0 && line.isLastPart ? true : undefined,
        messageCut: parsed.message.length > MESSAGE_CHARS_MAX ? true : undefined,
        levelInferred: inferredLevel === undefined ? undefined : true,
        timeInferred: time.inferred.length === 0 ? undefined : time.inferred,
      },
    });
  };
}

/** A stack trace has the time of the line it follows. */
function resolve(
  parsed: ParsedLine,
  previousTime: string | undefined,
  context: EventContext,
): { text?: string | undefined; inferred: readonly string[] } {
  const own = parsed.time === undefined ? undefined : context.resolveTime(parsed.time);
  if (own !== undefined) return own;
  return previousTime === undefined ? { inferred: [] } : { text: previousTime, inferred: ['previous-line'] };
}

function toName(name: string | undefined): string | undefined {
  return name !== undefined && name !== '' && name.length <= NAME_CHARS_MAX && !/\p{Cc}/u.test(name) ? name : undefined;
}

/** Values with control characters stay in the line only: escaped they take six times their room. */
function plainOnly(attributes: ParsedLine['attributes']): Record<string, Json | undefined> {
  return Object.fromEntries(
    Object.entries(attributes).filter(
      ([, value]) => typeof value !== 'string' || (value.length <= ATTRIBUTE_CHARS_MAX && !/\p{Cc}/u.test(value)),
    ),
  );
}
