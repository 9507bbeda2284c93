import { describe, expect, it } from 'vitest';
import { utf8 } from '../../src/kernel/bytes.ts';
import { LEVELS } from '../../src/kernel/levels.ts';
import { parseEvents } from '../../src/ingest/parse-events.ts';
import { faultPaths, parseText } from '../support/parse-text.ts';

function stored(event: Readonly<Record<string, unknown>>): string | undefined {
  return parseText(JSON.stringify(event)).payloads[0];
}

function refused(event: Readonly<Record<string, unknown>>): readonly string[] {
  return parseText(JSON.stringify(event)).faults.map(({ field }) => field);
}

describe('levels', () => {
  const SPELLINGS: Readonly<Record<string, readonly string[]>> = {
    trace: ['trace', 'TRACE'],
    debug: ['debug', 'Debug'],
    info: ['info', 'notice', 'INFORMATION'],
    warn: ['warn', 'Warning'],
    error: ['error', 'ERR'],
    fatal: ['fatal', 'critical', 'crit', 'alert', 'emerg', 'PANIC'],
  };

  it.each(Object.entries(SPELLINGS))('%s is stored for each of its spellings, and its code counted', (level, spellings) => {
    for (const spelling of spellings) {
      const { batch } = parseEvents(utf8(JSON.stringify({ message: 'a', level: spelling })), 'json', { onInvalid: 'reject' });
      expect(LEVELS[batch.levels[0]]).toBe(level);
      expect(stored({ message: 'a', level: spelling })).toBe(`{"level":"${level}","message":"a"}`);
    }
  });

  it('an event without a level is stored without one and counted as none', () => {
    const { batch } = parseEvents(utf8('{"message":"a"}'), 'json', { onInvalid: 'reject' });
    expect(LEVELS[batch.levels[0]]).toBe('none');
    expect(stored({ message: 'a' })).toBe('{"message":"a"}');
  });

  it.each([
    [10, 'trace'],
    [20, 'debug'],
    [30, 'info'],
    [40, 'warn'],
    [50, 'error'],
    [60, 'fatal'],
  ] as const)('pino’s %i is %s', (number, level) => {
    expect(stored({ msg: 'a', level: number })).toBe(`{"level":"${level}","message":"a"}`);
  });

  it.each([
    [11, 'trace'],
    [35, 'info'],
    [59, 'error'],
  ] as const)('pino’s custom %i is filed under %s and kept as an attribute', (number, level) => {
    expect(stored({ msg: 'a', level: number })).toBe(`{"attributes":{"level":${number}},"level":"${level}","message":"a"}`);
  });

  it.each(['9', '61', '30.0', '3e1', '-30', '1e400', '"30"', '"none"', '""', 'null', 'true', '["info"]'])('refuses %s', (level) => {
    expect(parseText(`{"message":"a","level":${level}}`).faults.map(({ field }) => field)).toEqual(['level']);
  });

  it('refuses a custom number whose attribute is taken, under the name it was sent', () => {
    expect(refused({ message: 'a', level: 35, attributes: { level: 1 } })).toEqual(['level']);
    expect(refused({ message: 'a', 'log.level': 35, attributes: { level: 1 } })).toEqual(['log.level']);
    expect(stored({ message: 'a', level: 30, attributes: { level: 1 } })).toBe('{"attributes":{"level":1},"level":"info","message":"a"}');
  });
});

describe('aliases', () => {
  const NAMES: Readonly<Record<string, readonly string[]>> = {
    message: ['message', 'msg'],
    time: ['time', '@timestamp', 'timestamp'],
    level: ['level', 'log.level', 'severityText'],
    traceId: ['traceId', 'trace.id', 'trace_id'],
    spanId: ['spanId', 'span.id', 'span_id'],
    source: ['source', 'service.name'],
    tenant: ['tenant'],
    actor: ['actor'],
  };
  const VALUES: Readonly<Record<string, string>> = { time: '2026-01-01T00:00:00Z', level: 'info' };

  it.each(Object.entries(NAMES))('%s is found under each of its names', (field, names) => {
    for (const name of names) {
      const message = field === 'message' ? {} : { message: 'm' };
      const event = stored({ ...message, [name]: VALUES[field] ?? 'v' });
      expect(JSON.parse(event ?? 'null')).toEqual({ ...message, [field]: VALUES[field] ?? 'v' });
    }
  });

  it.each(Object.entries(NAMES).filter(([, names]) => names.length > 1))(
    'the first name of %s wins and the others stay attributes',
    (field, names) => {
      const values = Object.fromEntries(names.map((name, i) => [name, i === 0 ? (VALUES[field] ?? 'first') : `loser ${i}`]));
      for (const order of [names, [...names].reverse()]) {
        const sent = Object.fromEntries(order.map((name) => [name, values[name]]));
        const { attributes, ...fields } = JSON.parse(
          stored({ ...(field === 'message' ? {} : { message: 'm' }), ...sent }) ?? 'null',
        ) as Record<string, unknown>;
        expect(fields[field]).toBe(values[names[0]]);
        expect(attributes).toEqual(Object.fromEntries(names.slice(1).map((name) => [name, values[name]])));
      }
    },
  );

  it('a losing value is judged as an attribute, whatever it is', () => {
    expect(stored({ message: 'a', msg: [1], level: 'info', severityText: null })).toBe(
      '{"attributes":{"msg":[1],"severityText":null},"level":"info","message":"a"}',
    );
  });

  it('a fault is told under the name the producer wrote', () => {
    expect(refused({ msg: 1, '@timestamp': 'x', 'service.name': '', 'trace.id': 2, span_id: null, severityText: 'x' }).toSorted()).toEqual([
      '@timestamp',
      'msg',
      'service.name',
      'severityText',
      'span_id',
      'trace.id',
    ]);
  });
});

describe('attributes', () => {
  it('hold every other field, sorted together with those sent as attributes', () => {
    expect(stored({ pid: 1, message: 'a', attributes: { z: 1, b: { d: 1, c: 2 } }, hostname: 'h' })).toBe(
      '{"attributes":{"b":{"c":2,"d":1},"hostname":"h","pid":1,"z":1},"message":"a"}',
    );
  });

  it('stay when they were sent empty', () => {
    expect(stored({ message: 'a', attributes: {} })).toBe('{"attributes":{},"message":"a"}');
  });

  it('refuse a key that stands beside them as well, one fault for each', () => {
    expect(refused({ message: 'a', x: 1, y: 1, z: 1, msg: 'b', attributes: { x: 2, z: 2, msg: 3 } }).toSorted()).toEqual(['msg', 'x', 'z']);
  });

  it.each([null, 1, 'x', [], true])('must be an object, not %j', (attributes) => {
    expect(refused({ message: 'a', attributes })).toEqual(['attributes']);
  });
});

describe('the message', () => {
  it('may be empty, and may be missing from a pino line only', () => {
    expect(stored({ message: '' })).toBe('{"message":""}');
    expect(stored({ level: 30 })).toBe('{"level":"info","message":""}');
    expect(refused({ level: 'info' })).toEqual(['message']);
  });
});

describe('names', () => {
  const LENGTHS = { tenant: 128, source: 256, actor: 256, traceId: 128, spanId: 128 };

  it.each(Object.entries(LENGTHS))('%s holds up to %i characters, not bytes or UTF-16 units', (field, charsMax) => {
    for (const char of ['t', 'é', '😀']) {
      expect(refused({ message: 'a', [field]: char.repeat(charsMax) })).toEqual([]);
      expect(refused({ message: 'a', [field]: char.repeat(charsMax + 1) })).toEqual([field]);
    }
  });

  it.each(['', '\u0000', 'a\nb', '\u007f', 'x\u0085', 1, null, [], {}])('refuses %j', (name) => {
    for (const field of Object.keys(LENGTHS)) expect(refused({ message: 'a', [field]: name })).toEqual([field]);
  });

  it('gives each tenant one number per request, in order of appearance', () => {
    const tenants = ['b', 'a', undefined, 'b', 'ä', '\u00e4'];
    const { batch } = parseEvents(utf8(JSON.stringify(tenants.map((tenant) => ({ message: 'm', tenant })))), 'json', {
      onInvalid: 'reject',
    });
    expect(batch.tenantNames).toEqual(['b', 'a', 'ä']);
    expect([...batch.tenants]).toEqual([1, 2, 0, 1, 3, 3]);
  });

  it('does not list the tenant of a refused event', () => {
    const { batch } = parseEvents(utf8('[{"message":"a","tenant":"kept"},{"message":1,"tenant":"refused"}]'), 'json', {
      onInvalid: 'skip',
    });
    expect(batch.tenantNames).toEqual(['kept']);
  });
});

describe('all faults of an event', () => {
  it('are told together: those of its values and those of its fields', () => {
    const body = '{"level":"x","tenant":"","a":{"b":1,"b":2},"__proto__":1,"c":"\\ud800","time":"now"}';
    expect(faultPaths(parseText(body).faults)).toEqual([
      '1: __proto__',
      '1: a.b',
      '1: c',
      '1: level',
      '1: message',
      '1: tenant',
      '1: time',
    ]);
  });
});
