import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventScan } from '../../src/verify/event-scan.ts';
import { FastEventScan } from '../../src/verify/fast-event-scan.ts';
import { TenantTally } from '../../src/verify/tenant-tally.ts';
import { testSeed } from '../support/seed.ts';

const seed = testSeed();
/** The payload stands between other bytes, as in a segment: plain ones, which a scan that runs on would take for its own. */
const BEFORE = 'x'.repeat(7);
const AFTER = `"}${'y'.repeat(40)}"`;

interface Scanned {
  readonly isEvent: boolean;
  readonly level: number;
  readonly tenant: string;
}

function scan(payload: Uint8Array, kind: 'fast' | 'careful'): Scanned {
  const bytes = Buffer.concat([Buffer.from(BEFORE), payload, Buffer.from(AFTER)]);
  const [from, end] = [BEFORE.length, BEFORE.length + payload.length];
  if (kind === 'careful') {
    const careful = new EventScan();
    const isEvent = careful.isEvent(bytes, from, end);
    return { isEvent, level: careful.levelCode, tenant: careful.tenantText };
  }
  const fast = new FastEventScan(bytes);
  const isEvent = fast.isSurelyEvent(from, end);
  return { isEvent, level: fast.levelCode, tenant: bytes.toString('latin1', fast.tenantFrom, fast.tenantEnd) };
}

const plain = fc.string({ unit: fc.constantFrom(...Array.from('abcXYZ019 !#{}[]:,._-/')), maxLength: 12 });
const anyText = fc.oneof(plain, fc.string({ maxLength: 8 }), fc.string({ unit: 'grapheme', maxLength: 4 }));
const attributes = fc.letrec<{ value: unknown; object: unknown }>((tie) => ({
  object: fc.dictionary(anyText, tie('value'), { maxKeys: 4 }),
  value: fc.oneof(
    { depthSize: 'small' },
    anyText,
    fc.integer(),
    fc.double(),
    fc.boolean(),
    fc.constant(null),
    fc.array(plain),
    tie('object'),
  ),
})).object;
const events = fc.record(
  {
    actor: anyText,
    attributes,
    level: fc.constantFrom('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'none', 'inf'),
    message: anyText,
    source: plain,
    spanId: plain,
    tenant: anyText,
    time: fc.oneof(fc.integer(), fc.double(), plain),
    traceId: plain,
    other: plain,
  },
  { requiredKeys: [] },
);

const plainAttributes = fc.letrec<{ value: unknown; object: unknown }>((tie) => ({
  object: fc.dictionary(plain, tie('value'), { maxKeys: 4 }),
  value: fc.oneof({ depthSize: 'small' }, plain, fc.integer(), tie('object')),
})).object;
const usualEvents = fc.record(
  {
    actor: plain,
    attributes: plainAttributes,
    level: fc.constantFrom('debug', 'info', 'error'),
    message: plain,
    tenant: plain,
    time: fc.integer(),
  },
  { requiredKeys: ['message'] },
);

/** Keys in order, mostly: what canonical JSON asks for where the keys are ASCII. */
function spell(value: unknown): string {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return JSON.stringify(value);
  const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${spell(member)}`).join(',')}}`;
}

describe('the fast scan of events', () => {
  it('takes the usual event, and says the same of it as the careful scan', () => {
    for (const text of [
      '{"message":""}',
      '{"actor":"a","attributes":{"path":"/x","user":5},"level":"info","message":"hi","tenant":"t1","time":1767323045005}',
      '{"attributes":{},"level":"fatal","message":"{}[],:","source":"s","spanId":"1","tenant":"","time":"2026","traceId":"2"}',
      '{"attributes":{"a":{"b":{"c":-1},"d":0}},"message":"x","time":-5}',
      '{"attributes":{"a":"","a!":"","aa":"","ab":""},"message":" "}',
    ]) {
      const payload = Buffer.from(text);
      expect(scan(payload, 'fast'), text).toEqual(scan(payload, 'careful'));
      expect(scan(payload, 'fast').isEvent, text).toBe(true);
    }
  });

  it.each([
    ['{"message":"x"', 'an unfinished object'],
    ['{"level":"info"}', 'no message'],
    ['{"message":"x",}', 'a comma at the end'],
    ['{"message":"x"}}', 'something behind'],
    ['{"message":"x}', 'an unfinished string'],
    ['{"message":"x","level":"info"}', 'fields out of order'],
    ['{"message":"x","message":"x"}', 'a field twice'],
    ['{"level":"none","message":"x"}', 'a level that events do not have'],
    ['{"message":"x","time":01}', 'a number with a leading zero'],
    ['{"message":"x","time":-}', 'no number'],
    ['{"attributes":{"b":1,"a":1},"message":"x"}', 'keys out of order'],
    ['{"attributes":{"a":1,"a":1},"message":"x"}', 'a key twice'],
    ['{"attributes":{"ab":1,"a":1},"message":"x"}', 'a key before its own begin'],
    ['{"attributes":[],"message":"x"}', 'attributes that are no object'],
    ['{"message":1}', 'a message that is no text'],
    ['{"message" :"x"}', 'white space'],
    ['{}', 'nothing'],
    ['', 'no bytes'],
  ])('refuses %s: %s', (text) => {
    expect(scan(Buffer.from(text), 'fast').isEvent).toBe(false);
    expect(scan(Buffer.from(text), 'careful').isEvent).toBe(false);
  });

  it('never takes what the careful scan refuses, and finds the same level and tenant, in random events and damaged ones', () => {
    let taken = 0;
    fc.assert(
      fc.property(fc.oneof(events, usualEvents), fc.nat(), fc.nat({ max: 255 }), (event, at, byte) => {
        const payload = Buffer.from(spell(event));
        const damaged = Buffer.from(payload);
        damaged[at % damaged.length] = byte;
        for (const candidate of [payload, damaged]) {
          const fast = scan(candidate, 'fast');
          if (!fast.isEvent) continue;
          taken++;
          expect(fast, candidate.toString('latin1')).toEqual(scan(candidate, 'careful'));
        }
      }),
      { seed, numRuns: 3000 },
    );
    expect(taken).toBeGreaterThan(1000);
  });
});

describe('the tally of tenants', () => {
  it('counts as a map does, in the order of appearance, however many there are', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 2000 }), { minLength: 1, maxLength: 3000 }), fc.nat({ max: 2000 }), (numbers, modulus) => {
        const names = numbers.map((number) => `"t${number % (modulus + 1)}"`);
        const bytes = Buffer.from(names.join(''), 'latin1');
        const tally = new TenantTally(bytes);
        const want = new Map<string, number>();
        let at = 0;
        for (const name of names) {
          tally.count(at, at + name.length);
          at += name.length;
          want.set(name, (want.get(name) ?? 0) + 1);
        }
        expect(tally.take()).toEqual([...want]);
        expect(tally.take()).toEqual([]);
      }),
      { seed, numRuns: 40 },
    );
  });
});
