import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkEnvelope, checkLine, type Verdict } from '../../src/bundle/timeline/app/check.ts';
import { fromEnvelope, toEnvelope } from '../../src/bundle/timeline/envelope.ts';
import type { TimelineInput } from '../../src/bundle/timeline-input.ts';
import { testSeed } from '../support/seed.ts';
import { sampleTimelineInput, type SampleLeaf } from '../support/timeline-input.ts';

const SECOND = 1000;
const START = Date.UTC(2026, 0, 1);
const GOOD = 'Entries: good, Tree: good, Window: good, Signature: good, Whose key: unchecked, Keyed chain: unchecked, This page: unchecked';

function leaves(count: number): SampleLeaf[] {
  return Array.from({ length: count }, (_, i) => ({
    payload: { attributes: { i }, level: 'info', message: `event ${i} "quoted" ü \u0000` },
    timeMs: START + i * SECOND,
    hasRequestTag: i % 3 === 0,
  }));
}

/** Leaves one a second; the window [from, to) in seconds. */
function input(from: number, to: number): TimelineInput {
  return sampleTimelineInput(leaves(21), { fromMs: START + from * SECOND, toMs: START + to * SECOND });
}

function check(given: TimelineInput): Promise<Verdict> {
  return checkEnvelope(fromEnvelope(toEnvelope(given)), () => {});
}

function outcomes(verdict: Verdict): string {
  return verdict.stages.map((stage) => `${stage.label}: ${stage.outcome}`).join(', ');
}

function said(verdict: Verdict, label: string): string {
  return verdict.stages.find((stage) => stage.label === label)?.text ?? '';
}

describe('a genuine window', () => {
  for (const [name, from, to, entries] of [
    ['in the middle of the ledger', 5, 12, 7],
    ['that begins with the ledger', 0, 7, 7],
    ['that ends before the last entry', 9, 20, 11],
    ['of a single entry', 13, 14, 1],
    ['without any entry', 4.2, 4.8, 0],
    ['that begins before the ledger', -5, 1, 1],
  ] as const) {
    test(`${name} is good in every stage`, async () => {
      const verdict = await check(input(from, to));
      expect(outcomes(verdict)).toBe(GOOD);
      expect([verdict.state, verdict.good, verdict.total]).toEqual(['good', entries, entries]);
    });
  }

  test('with a leaf of a type that this version does not know is good', async () => {
    const unknown: SampleLeaf = { type: 99, payload: 'opaque "bytes"', timeMs: START + 1 };
    const given = sampleTimelineInput([leaves(1)[0], unknown, { payload: { message: 'x' }, timeMs: START + 9 }], {
      fromMs: START,
      toMs: START + 5,
    });
    expect(given.eventsNdjson).toContain('"payloadBase64":');
    expect(outcomes(await check(given))).toBe(GOOD);
  });
});

describe('damage', () => {
  const good = input(5, 12);

  test('any one character changed in any entry line turns the verdict bad', async () => {
    const at = fc.nat({ max: good.eventsNdjson.length - 2 });
    const character = fc.constantFrom(...'0a" {}:,Zé\\\n'.split(''));
    await fc.assert(
      fc.asyncProperty(at, character, async (position, replacement) => {
        const altered = good.eventsNdjson.slice(0, position) + replacement + good.eventsNdjson.slice(position + 1);
        fc.pre(altered !== good.eventsNdjson);
        expect((await check({ ...good, eventsNdjson: altered })).state).toBe('bad');
      }),
      { seed: testSeed(), numRuns: 400 },
    );
  });

  test('any one hash of the proof changed turns the verdict bad', async () => {
    for (const i of good.proof.hashes.keys()) {
      const hashes = good.proof.hashes.with(i, '00'.repeat(32));
      expect(said(await check({ ...good, proof: { ...good.proof, hashes } }), 'Tree')).toContain('do not lead to the signed root');
    }
  });

  test('an entry left out, doubled or moved turns the verdict bad', async () => {
    const lines = good.eventsNdjson.trimEnd().split('\n');
    for (const altered of [lines.toSpliced(2, 1), lines.toSpliced(2, 0, lines[2]), lines.toReversed(), [], lines.slice(0, -1)]) {
      expect((await check({ ...good, eventsNdjson: altered.join('\n') })).state).toBe('bad');
    }
  });

  test('an altered entry does not take the proof from the others', async () => {
    const verdict = await check({ ...good, eventsNdjson: good.eventsNdjson.replace('event 8', 'event 9') });
    expect([verdict.firstDamagedSeq, verdict.good, verdict.total]).toEqual([8, 6, 7]);
    expect(outcomes(verdict)).toContain('Entries: bad, Tree: good');
  });

  test('missing edges, wider bounds and a foreign end turn the window bad', async () => {
    const [before, after] = good.edgesNdjson.split('\n');
    const cases: [Partial<TimelineInput>, string][] = [
      [{ edgesNdjson: `${after}\n` }, 'the entry before it is missing'],
      [{ edgesNdjson: `${before}\n` }, 'the entry before it is missing'],
      [{ edgesNdjson: '' }, 'its two edges are not there'],
      [{ from: '2026-01-01T00:00:04.000000000Z' }, 'the entry before it is not earlier'],
      [{ to: '2026-01-01T00:00:12.000000001Z' }, 'the entry after it is not later'],
      [{ to: '2026-01-01T00:00:11.000000000Z' }, 'entry 11 lies outside it'],
      [{ from: '2026-01-01T00:00:05.000000001Z' }, 'entry 5 lies outside it'],
      [{ from: '2026-01-01' }, 'its bounds are not two times'],
      [{ proof: { ...good.proof, size: 14 } }, 'the entry after it is not the last'],
    ];
    for (const [patch, text] of cases) {
      const verdict = await check({ ...good, ...patch });
      expect(said(verdict, 'Window')).toContain(text);
      expect(verdict.state).toBe('bad');
    }
  });

  test('a foreign, broken or missing signature turns the verdict bad', async () => {
    const other = input(5, 12);
    for (const patch of [
      { checkpoint: other.checkpoint },
      { verifierKey: other.verifierKey },
      { origin: 'somebody/else' },
      { checkpoint: good.checkpoint.replace(/.(?=.{8}\n$)/, (c) => (c === 'A' ? 'B' : 'A')) },
      { checkpoint: '' },
      { verifierKey: 'no key' },
    ]) {
      const verdict = await check({ ...good, ...patch });
      expect(outcomes(verdict)).toContain('Signature: bad');
      expect(verdict.state).toBe('bad');
    }
  });

  test('a line that says the same in another spelling is refused', () => {
    const line = good.eventsNdjson.split('\n')[0];
    expect(checkLine(line, 5).fault).toBe(undefined);
    const upper = line.replace(/"leafHash":"[0-9a-f]+"/, (text) => text.replace(/[0-9a-f]{64}/, (hex) => hex.toUpperCase()));
    expect(checkLine(upper, 5).fault).toBe('it is not written as the format says');
    expect(checkLine(line.replace('"epoch":0', '"epoch":0e0'), 5).fault).toBe('it is not written as the format says');
    expect(checkLine(line.replace('000000000Z', '000000001Z'), 5).fault).toBe('it is not written as the format says');
    expect(checkLine(line.replace('"epoch":0', '"note":"x","epoch":0'), 5).fault).toBe('it is not written as the format says');
  });
});
