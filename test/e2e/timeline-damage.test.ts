import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { renderTimeline } from '../../src/bundle/timeline/render-timeline.ts';
import type { TimelineInput } from '../../src/bundle/timeline-input.ts';
import { launchChromium } from '../support/chromium.ts';
import { INCIDENT_WINDOW, incidentLeaves } from '../support/timeline-incident.ts';
import { sampleTimelineInput } from '../support/timeline-input.ts';
import { badgeText, openTimeline } from '../support/timeline-page.ts';

let browser: Browser;
let good: TimelineInput;
beforeAll(async () => {
  browser = await launchChromium();
  good = sampleTimelineInput(incidentLeaves(), INCIDENT_WINDOW);
});
afterAll(() => browser.close());

async function look(input: TimelineInput): Promise<{ badge: string; alarm: string; state: string; rowClass: string; problems: string[] }> {
  const opened = await openTimeline(browser, input);
  try {
    const { page, problems } = opened;
    const state = (await page.locator('#badge').getAttribute('data-state')) ?? '';
    const alarm = (await page.locator('#alarm').isVisible()) ? await page.locator('#alarm').innerText() : '';
    const rowClass = (await page.locator('.row').first().getAttribute('class')) ?? '';
    return { badge: await badgeText(page), alarm, state, rowClass, problems };
  } finally {
    await opened.close();
  }
}

test('one altered event turns the badge red, names the entry and leaves the others proved', async () => {
  const seen = await look({ ...good, eventsNdjson: good.eventsNdjson.replace('GET /orders/0 200', 'GET /orders/0 500') });
  expect(seen.state).toBe('bad');
  expect(seen.badge).toBe('Damaged: entry 2 | 281 of 282 entries proved');
  expect(seen.alarm).toContain('entry 2: its content does not give its SHA-256');
  expect(seen.rowClass).toContain('damaged');
  expect(seen.problems).toEqual([]);
});

test('an event altered together with its hash is noticed by the signed root, and nothing counts as proved', async () => {
  const lines = good.eventsNdjson.split('\n');
  const other = good.eventsNdjson.replace(/"leafHash":"[0-9a-f]{64}"/, `"leafHash":"${'0'.repeat(64)}"`);
  expect(other.split('\n')[0]).not.toBe(lines[0]);
  const seen = await look({ ...good, eventsNdjson: other });
  expect(seen.state).toBe('bad');
  expect(seen.alarm).toContain('Tree: the entries do not lead to the signed root');
  expect(seen.badge).toContain('0 of 282 entries proved');
});

test('a left-out event is noticed', async () => {
  const lines = good.eventsNdjson.split('\n');
  const seen = await look({ ...good, eventsNdjson: lines.toSpliced(100, 1).join('\n') });
  expect(seen.state).toBe('bad');
  expect(seen.badge).toContain('Damaged: entry 102');
  expect(seen.alarm).toContain('carries the number 103 where 102 belongs');
});

test('an unreadable line is listed, not dropped', async () => {
  const lines = good.eventsNdjson.split('\n');
  const opened = await openTimeline(browser, { ...good, eventsNdjson: lines.with(7, lines[7].slice(0, 60)).join('\n') });
  expect(await opened.page.locator('.row.damaged').first().innerText()).toContain('this entry cannot be read');
  expect(await opened.page.locator('#badge').getAttribute('data-state')).toBe('bad');
  expect(opened.problems).toEqual([]);
  await opened.close();
});

test('a wrong signature turns the badge red', async () => {
  const other = sampleTimelineInput(incidentLeaves(), INCIDENT_WINDOW);
  const seen = await look({ ...good, checkpoint: other.checkpoint });
  expect(seen.state).toBe('bad');
  expect(seen.alarm).toContain('Signature: the checkpoint is not signed by key');
});

test('a window wider than its edges prove turns the badge red', async () => {
  const seen = await look({ ...good, from: '2026-11-20T07:00:00.000000000Z' });
  expect(seen.state).toBe('bad');
  expect(seen.alarm).toContain('Window: the entry before it is not earlier');
});

test('a browser without Ed25519 says that the signature was not checked, and is not green', async () => {
  const opened = await openTimeline(
    browser,
    good,
    {},
    `crypto.subtle.importKey = () => Promise.reject(new DOMException('no', 'NotSupportedError'))`,
  );
  expect(await opened.page.locator('#badge').getAttribute('data-state')).toBe('partial');
  expect(await badgeText(opened.page)).toBe('Entries match: 282 of 282 entries | signature not checked by this browser');
  await opened.close();
});

test('a page whose data block is cut says so', async () => {
  const html = renderTimeline(good).replace(/(id="data">[A-Za-z0-9+/]{400})[^<]*/, '$1');
  const opened = await openTimeline(browser, html);
  expect(await opened.page.locator('#loading').innerText()).toMatch(/^This page cannot show its data: /);
  await opened.close();
});
