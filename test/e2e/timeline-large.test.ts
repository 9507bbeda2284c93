import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchChromium } from '../support/chromium.ts';
import { sampleTimelineInput, type SampleLeaf } from '../support/timeline-input.ts';
import { badgeText, openTimeline, type OpenTimeline } from '../support/timeline-page.ts';

const COUNT = 100_000;
const START = Date.UTC(2026, 5, 1);
/** Building the ledger, opening the page and checking 100,000 entries in the browser on a busy small machine. */
const SLOW_MS = 120_000;

let browser: Browser;
let opened: OpenTimeline;
beforeAll(async () => {
  browser = await launchChromium();
  const leaves: SampleLeaf[] = Array.from({ length: COUNT }, (_, i) => ({
    payload: `{"level":"${i % 50 === 0 ? 'error' : 'info'}","message":"request ${i} from 10.0.${i % 7}.${i % 200} took ${i % 900} ms","tenant":"tenant-${i % 5}"}`,
    timeMs: START + Math.floor((i * 86_400_000) / COUNT),
  }));
  leaves.push({ type: 'heartbeat', payload: { reason: 'edge' }, timeMs: START + 86_400_000 });
  opened = await openTimeline(browser, sampleTimelineInput(leaves, { fromMs: START, toMs: START + 86_400_000 }));
}, SLOW_MS);
afterAll(async () => {
  await opened.close();
  await browser.close();
});

test('100,000 entries are all verified and listed, with few rows in the document', async () => {
  expect(await badgeText(opened.page)).toContain('Verified here: 100,000 of 100,000 entries, signature good');
  expect(await opened.page.locator('#result-count').innerText()).toBe('100,000 events');
  expect(await opened.page.locator('.row').count()).toBeLessThan(80);
  expect(opened.problems).toEqual([]);
});

test('searching and filtering 100,000 entries gives the exact numbers', async () => {
  const { page } = opened;
  const count = (): Promise<string> => page.locator('#result-count').innerText();
  await page.locator('#search').fill('took 899 ms');
  await expect.poll(count).toBe('111 of 100,000 events');
  await page.locator('#search').fill('');
  await page.locator('[data-level=error]').click();
  await expect.poll(count).toBe('2,000 of 100,000 events');
  await page.locator('#clear-filters').click();
  await expect.poll(count).toBe('100,000 events');
});

test('the last entry is one key away', async () => {
  await opened.page.keyboard.press('End');
  await expect.poll(() => opened.page.locator('.row.current .message').innerText()).toContain('request 99999 from');
  await expect.poll(() => opened.page.locator('.row.current').getAttribute('aria-rowindex')).toBe('100000');
});
