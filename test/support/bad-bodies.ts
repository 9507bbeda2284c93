import { concat, utf8 } from '../../src/kernel/bytes.ts';
import { PAYLOAD_BYTES_MAX } from '../../src/kernel/leaf.ts';

/** A fault that must be among the answer's; `reason` only where the words help a producer to find the cause. */
export interface ExpectedFault {
  readonly line: number;
  readonly field: string;
  readonly reason?: RegExp;
}

/** A request body that must be refused with nothing stored. */
export interface BadBody {
  readonly name: string;
  readonly contentType: string;
  readonly body: Uint8Array<ArrayBuffer>;
  /** `faults`: the whole list, by line; absent where the body is refused before it is read as events. */
  readonly expect: { readonly status: 400 | 413 | 415; readonly faults?: readonly ExpectedFault[] };
}

const JSON_TYPE = 'application/json';
const NDJSON_TYPE = 'application/x-ndjson';
/** What POST /events takes at most (docs/events.md). */
const BODY_BYTES_MAX = 8 * 1024 * 1024;
const EVENTS_MAX = 10_000;
const DEPTH_MAX = 32;

function toBody(...parts: readonly (string | readonly number[])[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(concat(...parts.map((part) => (typeof part === 'string' ? utf8(part) : Uint8Array.from(part)))));
}

function refused(contentType: string, name: string, body: string | Uint8Array<ArrayBuffer>, ...faults: ExpectedFault[]): BadBody {
  return { name, contentType, body: typeof body === 'string' ? toBody(body) : body, expect: { status: 400, faults } };
}

/** Nothing is wrong with the body but its size. */
function tooLarge(bad: BadBody): BadBody {
  return { ...bad, expect: { ...bad.expect, status: 413 } };
}

/** One JSON document, refused with these faults. */
function json(name: string, body: string | Uint8Array<ArrayBuffer>, ...faults: ExpectedFault[]): BadBody {
  return refused(JSON_TYPE, `JSON: ${name}`, body, ...faults);
}

function ndjson(name: string, body: string | Uint8Array<ArrayBuffer>, ...faults: ExpectedFault[]): BadBody {
  return refused(NDJSON_TYPE, `NDJSON: ${name}`, body, ...faults);
}

function fault(line: number, field: string, reason?: RegExp): ExpectedFault {
  return reason === undefined ? { line, field } : { line, field, reason };
}

const COLUMN = /column \d+/;

/** `levels` arrays inside each other below the event's own object. */
function nested(levels: number): string {
  return `{"message":"deep","a":${'['.repeat(levels)}${']'.repeat(levels)}}`;
}

const NOT_JSON: readonly BadBody[] = [
  json('nothing at all', '', fault(1, '')),
  json('only white space', ' \n\t ', fault(1, '')),
  json('plain words', 'disk is full', fault(1, '')),
  json('a truncated event', '{"message":"cut o', fault(1, '', COLUMN)),
  json('single quotes', "{'message':'a'}", fault(1, '', COLUMN)),
  json('a trailing comma', '{"message":"a",}', fault(1, '', COLUMN)),
  json('a comment', '{"message":"a" /* why */}', fault(1, '', COLUMN)),
  json('NaN', '{"message":"a","attributes":{"load":NaN}}', fault(1, '', COLUMN)),
  json('a number with a leading zero', '{"message":"a","n":007}', fault(1, '', COLUMN)),
  json('a number without digits after its point', '{"message":"a","n":1.}', fault(1, '', COLUMN)),
  json('an unknown escape', '{"message":"\\x41"}', fault(1, '', COLUMN)),
  json('text after the event', '{"message":"a"} and more', fault(1, '', COLUMN)),
  json('NDJSON under the name of JSON', '{"message":"a"}\n{"message":"b"}\n', fault(1, '', /application\/x-ndjson/)),
  json('an array that breaks off', '[{"message":"a"},{"mess', fault(2, '', COLUMN)),
  json('a byte order mark', toBody([0xef, 0xbb, 0xbf], '{"message":"a"}'), fault(1, '', /byte order mark/)),
  json('UTF-16', toBody([0xff, 0xfe, 0x7b, 0x00, 0x7d, 0x00]), fault(1, '', /UTF-8/)),
  json('a Latin-1 letter', toBody('{"message":"caf', [0xe9], '"}'), fault(1, '', /UTF-8.*byte 16/)),
  json('an overlong slash', toBody('{"message":"', [0xc0, 0xaf], '"}'), fault(1, '', /UTF-8/)),
  json('a surrogate in UTF-8', toBody('{"message":"', [0xed, 0xa0, 0x80], '"}'), fault(1, '', /UTF-8/)),
];

const WRONG_SHAPE: readonly BadBody[] = [
  json('a bare string', '"message"', fault(1, '')),
  json('a bare number', '42', fault(1, '')),
  json('null', 'null', fault(1, '')),
  json('an empty array', '[]', fault(1, '')),
  json('elements that are no objects', '[{"message":"a"},1,"two",null,[]]', fault(2, ''), fault(3, ''), fault(4, ''), fault(5, '')),
  json('an empty event', '{}', fault(1, 'message')),
  json('a message that is a number', '{"message":7}', fault(1, 'message')),
  json('a message that is null', '{"message":null}', fault(1, 'message')),
  json('a pino message that is an object', '{"level":30,"msg":{}}', fault(1, 'msg')),
  json(
    'every field wrong at once',
    '{"time":"yesterday","level":"loud","message":[],"tenant":"","source":1,"actor":true,"traceId":null,"spanId":{},"attributes":[]}',
    ...['time', 'level', 'message', 'tenant', 'source', 'actor', 'traceId', 'spanId', 'attributes'].map((field) => fault(1, field)),
  ),
  json('a level below pino’s lowest', '{"level":9,"msg":"a"}', fault(1, 'level')),
  json('a level that is a fraction', '{"level":30.5,"msg":"a"}', fault(1, 'level')),
  json('an unknown level under its ECS name', '{"log.level":"verbose","message":"a"}', fault(1, 'log.level')),
  json('29 February of a common year', '{"time":"2026-02-29T00:00:00Z","message":"a"}', fault(1, 'time')),
  json('a time without a zone', '{"@timestamp":"2026-01-01T00:00:00","message":"a"}', fault(1, '@timestamp')),
  json('the hour 24', '{"time":"2026-01-01T24:00:00Z","message":"a"}', fault(1, 'time')),
  json('a time beyond every double', '{"time":1e400,"message":"a"}', fault(1, 'time')),
  json('a tenant of 129 characters', `{"message":"a","tenant":"${'t'.repeat(129)}"}`, fault(1, 'tenant')),
  json('a tenant with a line feed', '{"message":"a","tenant":"a\\nb"}', fault(1, 'tenant')),
  json('a huge actor', `{"message":"a","actor":"${'x'.repeat(100_000)}"}`, fault(1, 'actor')),
  json('a field that is also an attribute', '{"message":"a","user":1,"attributes":{"user":2}}', fault(1, 'user')),
];

const HOSTILE: readonly BadBody[] = [
  json('a duplicate key', '{"message":"shown","message":"hidden"}', fault(1, 'message')),
  json('a duplicate key spelled with an escape', '{"message":"a","attributes":{"a":1,"\\u0061":2}}', fault(1, 'attributes.a')),
  json('a duplicate key deep inside', '{"message":"a","tags":[{"x":{"y":1,"y":1}}]}', fault(1, 'tags[0].x.y')),
  json('__proto__', '{"message":"a","__proto__":{"admin":true}}', fault(1, '__proto__')),
  json('__proto__ deep inside', '{"message":"a","attributes":{"x":[{"\\u005f_proto__":1}]}}', fault(1, 'attributes.x[0].__proto__')),
  json('nesting one deeper than allowed', nested(DEPTH_MAX), fault(1, `a${'[0]'.repeat(DEPTH_MAX - 1)}`)),
  json('nesting without end', '['.repeat(1_000_000), fault(1, '[0]'.repeat(DEPTH_MAX))),
  json('a lone high surrogate', '{"message":"\\ud83d"}', fault(1, 'message', /surrogate/)),
  json('surrogates the wrong way round', '{"message":"a","b":"\\ude00\\ud83d"}', fault(1, 'b', /surrogate/)),
  json('a lone surrogate in a key', '{"message":"a","attributes":{"\\ud800":1}}', fault(1, 'attributes.\\ud800', /surrogate/)),
  json('a raw line feed in a string', '{"message":"two\nlines"}', fault(1, 'message', /control/)),
  json('a raw NUL in a string', toBody('{"message":"', [0], '"}'), fault(1, 'message', /control/)),
  tooLarge(json('a huge message', `{"message":"${'m'.repeat(PAYLOAD_BYTES_MAX)}"}`, fault(1, '', /65,?415/))),
  json('a huge number of attributes', `{"message":"a","attributes":{"l":[${'0,'.repeat(40_000)}0]}}`, fault(1, '')),
  tooLarge(json('one event too many', `[${'{"message":"a"},'.repeat(EVENTS_MAX)}{"message":"a"}]`, fault(EVENTS_MAX + 1, ''))),
];

const LINES: readonly BadBody[] = [
  ndjson('nothing but a newline', '\n', fault(1, '')),
  ndjson('CRLF line ends', '{"message":"a"}\r\n{"message":"b"}\r\n', fault(1, '', /CRLF/), fault(2, '', /CRLF/)),
  ndjson('empty lines', '\n{"message":"a"}\n\n{"message":"b"}\n\n', fault(1, ''), fault(3, ''), fault(5, '')),
  ndjson('a truncated last line', '{"message":"a"}\n{"message":"b', fault(2, '', COLUMN)),
  ndjson('a byte order mark', toBody([0xef, 0xbb, 0xbf], '{"message":"a"}\n{"message":"b"}\n'), fault(1, '', /byte order mark/)),
  ndjson(
    'invalid UTF-8 on two lines',
    toBody('{"message":"', [0xff], '"}\n{"message":"good"}\n{"message":"', [0x80], '"}\n'),
    fault(1, '', /UTF-8/),
    fault(3, '', /UTF-8/),
  ),
  ndjson('lines that are no objects', '[{"message":"a"}]\n"b"\n3\n', fault(1, ''), fault(2, ''), fault(3, '')),
  ndjson('two events on one line', '{"message":"a"}{"message":"b"}\n', fault(1, '', COLUMN)),
  ndjson('an event spread over lines', '{\n"message":"a"\n}\n', fault(1, '', COLUMN), fault(2, '', COLUMN), fault(3, '', COLUMN)),
  ndjson(
    'a fault of each kind on its own line',
    '{"message":1}\n{"message":"fine"}\nnot json\n{"message":"a","a":1,"a":2}\n{"level":"x"}\n',
    fault(1, 'message'),
    fault(3, '', COLUMN),
    fault(4, 'a'),
    fault(5, 'level'),
    fault(5, 'message'),
  ),
  tooLarge(ndjson('one line too many', '{"message":"a"}\n'.repeat(EVENTS_MAX + 1), fault(EVENTS_MAX + 1, ''))),
];

const FINE = toBody('{"message":"a"}');

const WRONG_TYPE: readonly BadBody[] = ['text/plain', 'text/json', 'application/xml', 'application/x-www-form-urlencoded', 'nonsense'].map(
  (contentType) => ({ name: `an event sent as ${contentType}`, contentType, body: FINE, expect: { status: 415 } }),
);

const TOO_LARGE: readonly BadBody[] = [JSON_TYPE, NDJSON_TYPE].map((contentType) => ({
  name: `a body one byte over the limit as ${contentType}`,
  contentType,
  body: toBody(`{"message":"a"}${' '.repeat(BODY_BYTES_MAX + 1 - '{"message":"a"}'.length)}`),
  expect: { status: 413 },
}));

export const BAD_BODIES: readonly BadBody[] = [...NOT_JSON, ...WRONG_SHAPE, ...HOSTILE, ...LINES, ...WRONG_TYPE, ...TOO_LARGE];
