import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchChromium } from '../support/chromium.ts';
import { sampleTimelineInput, type SampleLeaf } from '../support/timeline-input.ts';
import { badgeText, openTimeline, type OpenTimeline } from '../support/timeline-page.ts';

const HOUR = 3_600_000;
const START = Date.UTC(2026, 2, 1);
const GENESIS: SampleLeaf = { type: 'genesis', payload: { origin: 'o' }, timeMs: START - HOUR };
const EDGE: SampleLeaf = { type: 'heartbeat', payload: { reason: 'edge' }, timeMs: START + 24 * HOUR };

let browser: Browser;
beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(() => browser.close());

async function withPage(leaves: readonly SampleLeaf[], look: (opened: OpenTimeline) => Promise<void>, width = 1440): Promise<void> {
  const input = sampleTimelineInput([GENESIS, ...leaves, EDGE], { fromMs: START, toMs: START + 24 * HOUR });
  const opened = await openTimeline(browser, input, { viewport: { width, height: 900 } });
  try {
    await look(opened);
    expect(opened.problems).toEqual([]);
  } finally {
    await opened.close();
  }
}

const attempt = (i: number): string =>
  ['Failed password for root from 192.0.2.1 port ', 'Connection closed by 192.0.2.', 'Received disconnect from 192.0.2.'][i % 3] +
  String(i);

test('an empty window is shown as empty and proved as empty', async () => {
  await withPage([], async ({ page }) => {
    expect(await page.locator('#peak').innerText()).toBe('No events in this window.');
    expect(await badgeText(page)).toContain('Verified here: 0 of 0 entries, signature good');
    expect(await page.locator('#result-count').innerText()).toBe('0 events');
  });
});

test('a log without levels is coloured by kind of message, with a legend', async () => {
  const leaves = Array.from({ length: 90 }, (_, i) => ({ payload: { message: attempt(i) }, timeMs: START + i * 600_000 }));
  await withPage(leaves, async ({ page }) => {
    expect(await page.locator('#stack-by').inputValue()).toBe('pattern');
    expect(await page.locator('.bars').count()).toBe(3);
    const fills = await page.locator('.bars').evaluateAll((bars) => bars.map((bar) => bar.getAttribute('style')));
    expect(new Set(fills).size).toBe(3);
    await page.locator('.legend-item').filter({ hasText: 'Connection closed by' }).click();
    await expect.poll(() => page.locator('#result-count').innerText()).toBe('30 of 90 events');
  });
});

test('imported history has its own axis by event time, and the hour of import by received time', async () => {
  const leaves = Array.from({ length: 200 }, (_, i) => ({
    payload: { message: attempt(i), time: new Date(Date.UTC(2025, 11, 10, 6) + i * 60_000).toISOString() },
    timeMs: START + HOUR + i,
  }));
  await withPage(leaves, async ({ page }) => {
    expect(await page.locator('#axis-note').innerText()).toContain('Imported history: the events are from Dec 10, 2025, 06:00:00');
    expect(await page.locator('.row .time').first().innerText()).toBe('Dec 10, 06:00:00.000');
    await page.getByRole('button', { name: 'Received', exact: true }).click();
    expect(await page.locator('#axis-note').innerText()).toContain('The axis is fitted to the events');
    expect(await page.locator('.row .time').first().innerText()).toBe('Mar 01, 01:00:00.000');
    expect(await page.locator('.bars').count()).toBeGreaterThan(0);
  });
});

test('events are ordered by their own time even when they arrived late', async () => {
  const late = { payload: { message: 'arrived late', time: START + 1000 }, timeMs: START + 5 * HOUR };
  const timely = Array.from({ length: 9 }, (_, i) => ({ payload: { message: 'timely' }, timeMs: START + (i + 1) * 1800_000 }));
  await withPage([...timely, late], async ({ page }) => {
    expect(await page.locator('.row .message').first().innerText()).toBe('arrived late');
  });
});

test('a narrow screen neither scrolls sideways nor hides chart, badge or list', async () => {
  const leaves = Array.from({ length: 90 }, (_, i) => ({
    payload: { message: attempt(i), level: i % 9 === 0 ? 'error' : 'info', source: `s${i % 3}`, tenant: `t${i % 3}` },
    timeMs: START + i * 600_000,
  }));
  await withPage(
    leaves,
    async ({ page }) => {
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390);
      for (const part of ['#badge', '#chart svg', '.row >> nth=0']) expect(await page.locator(part).isVisible()).toBe(true);
      await page.locator('.row').first().click();
      const box = (await page.locator('#detail').boundingBox()) ?? { width: 0 };
      expect(box.width).toBe(390);
      await page.getByRole('button', { name: 'Close' }).click();
      expect(await page.locator('#detail').isVisible()).toBe(false);
    },
    390,
  );
});
