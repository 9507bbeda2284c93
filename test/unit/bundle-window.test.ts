import { describe, expect, it } from 'vitest';
import { BundleError } from '../../src/bundle/bundle-error.ts';
import { formatTimeNs } from '../../src/bundle/format.ts';
import { parseWindow, type WindowQuery } from '../../src/bundle/window.ts';

const NOW_MS = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

function refusal(query: WindowQuery): string {
  try {
    parseWindow(query, NOW_MS);
  } catch (error) {
    if (error instanceof BundleError && error.code === 'bad-window') return error.message;
    throw error;
  }
  throw new Error('not refused');
}

describe('parseWindow', () => {
  it.each([
    ['24h', 86_400_000],
    ['90m', 5_400_000],
    ['7d', 604_800_000],
    ['30s', 30_000],
  ])('takes %s as the time up to and including this millisecond', (window, durationMs) => {
    const { fromNs, toNs } = parseWindow({ window }, NOW_MS);
    expect(toNs).toBe(BigInt(NOW_MS + 1) * 1_000_000n);
    expect(toNs - fromNs).toBe(BigInt(durationMs) * 1_000_000n);
  });

  it('takes "A to B" and from with to alike, offsets and nine digits included', () => {
    const expected = { fromNs: 1_767_323_045_123_456_789n, toNs: 1_767_326_645_000_000_000n };
    const [from, to] = ['2026-01-02T04:04:05.123456789+01:00', '2026-01-02T04:04:05Z'];
    expect(parseWindow({ window: `${from} to ${to}` }, NOW_MS)).toEqual(expected);
    expect(parseWindow({ from, to }, NOW_MS)).toEqual(expected);
    expect(formatTimeNs(expected.fromNs)).toBe('2026-01-02T03:04:05.123456789Z');
  });

  it.each(['', '0h', '-1h', '24', 'h', '1.5h', '1h30m', '24 h', '٢٤h', '99999999d', 'yesterday', 'to', '2026-01-02T00:00:00Z'])(
    'refuses the window "%s" and says what is possible',
    (window) => {
      expect(refusal({ window })).toContain('"24h"');
    },
  );

  it.each([
    '2026-02-30T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-01-02T24:00:00Z',
    '2026-01-02T23:59:60Z',
    '2026-01-02 03:04',
    '2026-01-02T03:04:05',
    '2026-01-02T03:04:05+24:00',
    '1969-12-31T23:59:59Z',
    '2555-01-01T00:00:00Z',
  ])('refuses the time "%s"', (from) => {
    expect(refusal({ from, to: '2027-01-01T00:00:00Z' })).toContain(`"from" is "${from}"`);
  });

  it('lists every fault at once', () => {
    expect(refusal({ from: 'x', to: 'y' })).toMatch(/"from" is "x".*"to" is "y"/);
    expect(refusal({})).toContain('no window is given');
    expect(refusal({ from: '2026-01-02T03:04:05Z' })).toBe('"to" is missing');
    expect(refusal({ window: '24h', from: '2026-01-02T03:04:05Z' })).toContain('not both');
  });

  it('refuses a window that ends at or before its beginning', () => {
    const time = '2026-01-02T03:04:05Z';
    expect(refusal({ from: time, to: time })).toContain('ends before it begins');
  });

  it('explains a plus sign that an address turned into a space', () => {
    expect(refusal({ from: '2026-01-02T03:04:05 01:00', to: '2027-01-01T00:00:00Z' })).toContain('%2B');
  });
});
