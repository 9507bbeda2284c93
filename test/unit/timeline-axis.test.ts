import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { countBins, countTicks, findBursts, findPeak } from '../../src/bundle/timeline/app/bins.ts';
import { axisNote, peakSentence } from '../../src/bundle/timeline/app/insight.ts';
import { chooseAxis, chooseBinStep, ticks } from '../../src/bundle/timeline/app/time-axis.ts';
import { formatSpan, formatStep } from '../../src/bundle/timeline/app/time-format.ts';
import { testSeed } from '../support/seed.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const START = Date.UTC(2026, 11, 10);
const WINDOW = { fromMs: START, toMs: START + DAY };

function binsOf(timesMs: readonly number[], span = WINDOW) {
  return countBins(
    timesMs.map((_, i) => i),
    timesMs,
    new Uint8Array(timesMs.length),
    { span, zone: 'utc', groups: 1 },
  );
}

describe('the axis', () => {
  const spread = (count: number, fromMs: number, toMs: number): number[] =>
    Array.from({ length: count }, (_, i) => fromMs + ((toMs - fromMs) * i) / (count - 1));

  test('is the window when the events fill a good part of it, or when there are none', () => {
    expect(chooseAxis(spread(100, START, START + 12 * HOUR), WINDOW)).toMatchObject({
      span: WINDOW,
      reason: 'window',
      before: 0,
      after: 0,
    });
    expect(chooseAxis([], WINDOW)).toMatchObject({ span: WINDOW, reason: 'window' });
  });

  test('fits the events when they cover little of the window, and says so', () => {
    const axis = chooseAxis(spread(100, START + HOUR, START + 2 * HOUR), WINDOW);
    expect(axis.reason).toBe('fitted');
    expect(axis.span.fromMs).toBeLessThanOrEqual(START + HOUR);
    expect(axis.span.toMs).toBeLessThan(START + 3 * HOUR);
    expect(axisNote(axis, WINDOW, 'utc')).toBe('The axis is fitted to the events: 1 hour of a window of 1 day.');
  });

  test('follows imported history out of the window, and says so', () => {
    const year = 365 * DAY;
    const axis = chooseAxis(spread(100, START - year, START - year + 4 * HOUR), WINDOW);
    expect(axis.reason).toBe('outside');
    expect(axisNote(axis, WINDOW, 'utc')).toContain(
      'Imported history: the events are from Dec 10, 2025, 00:00:00 to Dec 10, 2025, 04:00:00 UTC',
    );
  });

  test('leaves a few wrong clocks beside it instead of stretching over decades, and counts them', () => {
    const times = [0, ...spread(998, START, START + 20 * HOUR), Date.UTC(2099, 0, 1)];
    const axis = chooseAxis(times, WINDOW);
    expect(axis).toMatchObject({ span: WINDOW, reason: 'window', before: 1, after: 1 });
    expect(axisNote(axis, WINDOW, 'utc')).toContain('2 events with times beyond the axis (1 earlier, 1 later)');
  });

  test('has a length even when all events are of one moment', () => {
    const { span } = chooseAxis([START, START, START], WINDOW);
    expect(span.toMs - span.fromMs).toBeGreaterThan(0);
  });

  test('has ticks on round times inside it', () => {
    const { stepMs, atMs } = ticks({ fromMs: START + 7 * MINUTE, toMs: START + 4 * HOUR }, 10, 'utc');
    expect(stepMs).toBe(30 * MINUTE);
    expect(atMs[0]).toBe(START + 30 * MINUTE);
    expect(atMs.at(-1)).toBe(START + 4 * HOUR);
  });
});

describe('bars', () => {
  test('have lengths people speak of', () => {
    for (const [span, step] of [
      [5 * MINUTE, 'one minute'],
      [4 * HOUR, 'one minute'],
      [DAY, '10 minutes'],
      [30 * DAY, '6 hours'],
    ] as const) {
      const stepMs = chooseBinStep({ fromMs: 0, toMs: span }, 260);
      expect(formatStep(Math.max(stepMs, MINUTE))).toBe(step);
    }
    expect(formatSpan(4 * HOUR + 9 * MINUTE)).toBe('4 hours 9 minutes');
  });

  test('count every event of the span once, whatever the span', () => {
    const time = fc.integer({ min: START - DAY, max: START + 2 * DAY });
    fc.assert(
      fc.property(fc.array(time, { maxLength: 200 }), time, fc.integer({ min: 1, max: 40 * DAY }), (times, fromMs, length) => {
        const span = { fromMs, toMs: fromMs + length };
        const bins = binsOf(times, span);
        const inside = times.filter((ms) => ms >= span.fromMs && ms <= span.toMs).length;
        expect(bins.totals.reduce((a, b) => a + b, 0)).toBe(inside);
        expect(bins.counts.reduce((a, b) => a + b, 0)).toBe(inside);
        expect(bins.length).toBeLessThanOrEqual(262);
      }),
      { seed: testSeed(), numRuns: 300 },
    );
  });

  test('stand under round numbers that reach the highest', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000_000 }), (top) => {
        const lines = countTicks(top, 4);
        expect(lines[0]).toBe(0);
        expect(lines.at(-1)).toBeGreaterThanOrEqual(top);
        expect(lines.length).toBeLessThanOrEqual(6);
        expect(lines.every(Number.isInteger)).toBe(true);
      }),
      { seed: testSeed(), numRuns: 300 },
    );
  });
});

describe('the sentence', () => {
  const span = { fromMs: START, toMs: START + 4 * HOUR };
  const everyMinute = Array.from({ length: 240 }, (_, i) => START + i * MINUTE);
  const burst = (minute: number, count: number): number[] => Array.from({ length: count }, (_, i) => START + minute * MINUTE + i);

  test('names the peak, its minute and how unusual it is', () => {
    const peak = findPeak(binsOf([...everyMinute, ...burst(72, 213)], span));
    expect(peakSentence(peak, 453, 'utc')).toBe('Peak: 214 events in one minute at Dec 10, 01:12 UTC (214× the median minute).');
  });

  test('names a second peak of the same height', () => {
    const peak = findPeak(binsOf([...everyMinute, ...burst(72, 50), ...burst(200, 50)], span));
    expect(peakSentence(peak, 340, 'utc')).toContain('at Dec 10, 01:12 and again at 03:20 UTC');
  });

  test('says that most minutes are empty instead of dividing by nothing', () => {
    const peak = findPeak(binsOf([...burst(10, 50), ...burst(200, 9)], span));
    expect(peakSentence(peak, 59, 'utc')).toBe('Peak: 50 events in one minute at Dec 10, 00:10 UTC; most minutes have none.');
  });

  test('does not make a peak of a steady rate, of a handful or of nothing', () => {
    expect(peakSentence(findPeak(binsOf(everyMinute, span)), 240, 'utc')).toBe('Steady: never more than 1 event in one minute.');
    expect(peakSentence(findPeak(binsOf([START], span)), 1, 'utc')).toBe('1 event, too few for a rate.');
    expect(peakSentence(undefined, 0, 'utc')).toBe('No events in this window.');
  });

  test('bursts are found by their sum, not only by their highest bar', () => {
    const long = Array.from({ length: 10 }, (_, i) => burst(150 + i, 90)).flat();
    const bins = binsOf([...everyMinute, ...burst(72, 100), ...long], span);
    const peak = findPeak(bins) ?? expect.fail('there is a peak');
    expect(peak.atMs).toBe(START + 72 * MINUTE);
    expect(findBursts(bins, peak, 3)).toEqual([
      { fromMs: START + 150 * MINUTE, toMs: START + 160 * MINUTE, count: 910 },
      { fromMs: START + 72 * MINUTE, toMs: START + 73 * MINUTE, count: 101 },
    ]);
  });
});
