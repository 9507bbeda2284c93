import { utf8 } from '../../src/kernel/bytes.ts';

/** A request body that looks suspicious and must be taken all the same. */
export interface GoodBody {
  readonly name: string;
  readonly contentType: string;
  readonly body: Uint8Array<ArrayBuffer>;
  /** The payloads stored for it, byte for byte. */
  readonly payloads: readonly string[];
}

function json(name: string, body: string, ...payloads: readonly string[]): GoodBody {
  return { name: `JSON: ${name}`, contentType: 'application/json', body: new Uint8Array(utf8(body)), payloads };
}

function ndjson(name: string, body: string, ...payloads: readonly string[]): GoodBody {
  return { name: `NDJSON: ${name}`, contentType: 'application/x-ndjson', body: new Uint8Array(utf8(body)), payloads };
}

/** Sent in canonical form: must be stored exactly as it came. */
function verbatim(name: string, event: string): GoodBody {
  return json(name, event, event);
}

const DEPTH_MAX = 32;

export const GOOD_BODIES: readonly GoodBody[] = [
  verbatim('an integer beyond 2^53', '{"attributes":{"id":12345678901234567890},"message":"a"}'),
  verbatim('a number beyond every double', '{"attributes":{"huge":1e400,"tiny":-1E-4000},"message":"a"}'),
  verbatim('minus zero and trailing zeros', '{"attributes":{"n":[-0,-0.0,1.0,1.10,0e0,1E+2]},"message":"a"}'),
  verbatim('a number of 1,000 digits', `{"attributes":{"n":${'9'.repeat(1_000)}},"message":"a"}`),
  verbatim('an empty message', '{"message":""}'),
  verbatim('keys that JavaScript objects inherit', '{"attributes":{"constructor":1,"hasOwnProperty":2,"toString":3},"message":"a"}'),
  verbatim('the deepest nesting allowed', `{"attributes":{"a":${'['.repeat(DEPTH_MAX - 2)}${']'.repeat(DEPTH_MAX - 2)}},"message":"a"}`),
  verbatim('a leap second', '{"message":"a","time":"2016-12-31T23:59:60Z"}'),
  verbatim('29 February of a leap year', '{"message":"a","time":"2024-02-29t23:59:59.123456789+14:00"}'),
  verbatim('a time before 1970', '{"message":"a","time":-1.5}'),
  verbatim('a tenant of 128 astral characters', `{"message":"a","tenant":"${'😀'.repeat(128)}"}`),
  verbatim('markup and terminal escapes', '{"message":"</script><img src=x onerror=alert(1)>\\u001b[31m"}'),
  verbatim('the empty key', '{"attributes":{"":1},"message":"a"}'),
  verbatim('an attribute named message', '{"attributes":{"message":null},"message":"a"}'),
  json(
    'keys in UTF-16 order, which is not that of UTF-8',
    '{"message":"a","attributes":{"\uff5e":2,"😀":1}}',
    '{"attributes":{"😀":1,"\uff5e":2},"message":"a"}',
  ),
  json(
    'escapes in their shortest form',
    '{"message":"\\u0041\\/\\u000a\\u001F\\ud83d\\ude00\\u0022\\u007f"}',
    '{"message":"A/\\n\\u001f😀\\"\u007f"}',
  ),
  json('white space everywhere', ' {\r\n\t"message" : "a" ,\n"n" : [ 1 , 2 ] } \n', '{"attributes":{"n":[1,2]},"message":"a"}'),
  json('a pino line without msg', '{"level":35,"pid":1}', '{"attributes":{"level":35,"pid":1},"level":"info","message":""}'),
  json(
    'ECS names',
    '{"@timestamp":"2026-01-01T00:00:00Z","log.level":"WARNING","message":"a","service.name":"s","trace.id":"t","span.id":"p"}',
    '{"level":"warn","message":"a","source":"s","spanId":"p","time":"2026-01-01T00:00:00Z","traceId":"t"}',
  ),
  json('an array', '[{"message":"a"},{"message":"b"}]', '{"message":"a"}', '{"message":"b"}'),
  ndjson('lines without a final newline', '{"message":"a"}\n{"message":"b"}', '{"message":"a"}', '{"message":"b"}'),
  ndjson('a line separator inside a string', '{"message":"a\u2028b"}\n', '{"message":"a\u2028b"}'),
];
