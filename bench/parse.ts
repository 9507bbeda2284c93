/** `node bench/parse.ts [--seconds 3]`: bytes → canonical events on one core, beside JSON.parse of the same lines in the same run. */
import { parseArgs } from 'node:util';
import { parseEvents } from '../src/ingest/parse-events.ts';
import { ndjsonBody } from './measure.ts';

const EVENTS = 1000;
const EVENT_BYTES = 200;

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '3' } } });
const seconds = Number(values.seconds);
if (!Number.isInteger(seconds) || seconds < 1 || seconds > 60)
  throw new Error(`--seconds "${values.seconds}" is not a number from 1 to 60`);

/** pino as a web server writes it: every field but three is foreign and moves under attributes. */
function pinoBody(): string {
  const lines = Array.from({ length: EVENTS }, (_, i) => {
    const req = { method: 'GET', url: `/api/v1/things/${i}`, headers: { host: 'example.org' } };
    const line = {
      level: 30,
      time: 1_767_323_045_000 + i,
      pid: 1234,
      hostname: 'web-1',
      reqId: `req-${i}`,
      req,
      msg: `completed in ${i % 50} ms`,
    };
    return JSON.stringify(line);
  });
  return `${lines.join('\n')}\n`;
}

/** Every string escaped and every object unsorted: what canonicalising costs at its worst. */
function escapedBody(): string {
  const lines = Array.from({ length: EVENTS }, (_, i) => {
    const event = {
      time: new Date(1_767_323_045_000 + i).toISOString(),
      message: `"user" ${i}\t\\ path\n`,
      attributes: { z: '\u00e9\n', b: { d: 1, c: '"' }, a: [1, 'x\ty'] },
    };
    return JSON.stringify(event).replaceAll('\u00e9', '\\u00e9');
  });
  return `${lines.join('\n')}\n`;
}

/** Milliseconds of the fastest of many rounds: the one that other processes disturbed least. */
function fastestMs(work: () => void): number {
  let best = Infinity;
  const until = performance.now() + seconds * 1000;
  while (performance.now() < until) {
    const startMs = performance.now();
    work();
    best = Math.min(best, performance.now() - startMs);
  }
  return best;
}

const row = (name: string, bytes: number, ms: number): object => ({
  name,
  'bytes/event': Math.round(bytes / EVENTS),
  'MB/s': Math.round(bytes / ms / 1000),
  'events/s': Math.round((EVENTS * 1000) / ms),
});

const rows: object[] = [];
for (const [name, text] of Object.entries({ plain: ndjsonBody(EVENTS, EVENT_BYTES), pino: pinoBody(), escaped: escapedBody() })) {
  const body = new TextEncoder().encode(text);
  const lines = text.trimEnd().split('\n');
  const ownMs = fastestMs(() => {
    const { faultsTotal, batch } = parseEvents(body, 'ndjson', { onInvalid: 'reject' });
    if (faultsTotal > 0 || batch.ends.length !== EVENTS) throw new Error(`${name}: events were refused`);
  });
  const plainMs = fastestMs(() => {
    for (const line of lines) JSON.parse(line);
  });
  rows.push(row(`${name}: parseEvents`, body.length, ownMs), row(`${name}: JSON.parse only`, body.length, plainMs));
}
console.table(rows);
