import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchChromium } from '../support/chromium.ts';
import { sampleTimelineInput, type SampleLeaf } from '../support/timeline-input.ts';
import { openTimeline, type OpenTimeline } from '../support/timeline-page.ts';

const START = Date.UTC(2026, 0, 1);
const HOSTILE: readonly string[] = [
  `<script>window.pwned = 1</script>`,
  `</script><script>window.pwned = 1</script>`,
  `--><img src=x onerror="window.pwned = 1">`,
  `<svg onload="window.pwned = 1"></svg><iframe srcdoc="<script>parent.pwned=1</script>"></iframe>`,
  `javascript:window.pwned=1 {{constructor.constructor('window.pwned=1')()}} \${window.pwned=1}`,
  `admin\u202Egnp.exe`,
  `\u2066\u2067hidden\u2069`,
  `\u001b[31mred\u001b[0m \u0007bell \u0000null \u007f del \u0085 next line`,
  `zero\u200Bwidth\uFEFF\u00ADsoft`,
  `two\r\nlines\tand a tab`,
  `${'x'.repeat(60_000)}THE END`,
  `__proto__ constructor hasOwnProperty`,
  `\u{1F4A3} emoji and 漢字 stay as they are`,
];

let browser: Browser;
let opened: OpenTimeline;
beforeAll(async () => {
  browser = await launchChromium();
  const leaves: SampleLeaf[] = HOSTILE.map((message, i) => ({
    payload: {
      actor: message.slice(0, 200),
      attributes: { [message.slice(0, 50)]: message.slice(0, 500) },
      message,
      source: `${message.slice(0, 100)}${i % 2}`,
      tenant: message.slice(0, 100),
    },
    timeMs: START + i * 60_000,
  }));
  leaves.push({
    payload:
      '{"attributes":{"__proto__":{"polluted":true},"big":10000000000000000000001,"float":1.0,"exp":1E400},"message":"numbers","time":99999999999999999999}',
    timeMs: START + 3_600_000,
  });
  leaves.push({
    type: 'recovery',
    payload: { action: '<img src=x onerror="window.pwned=1">', reason: '</title><script>window.pwned=1</script>' },
    timeMs: START + 3_700_000,
  });
  leaves.push({ type: 'heartbeat', payload: { reason: 'edge' }, timeMs: START + 7_200_000 });
  opened = await openTimeline(browser, sampleTimelineInput(leaves, { fromMs: START, toMs: START + 7_200_000 }));
});
afterAll(async () => {
  await opened.close();
  await browser.close();
});

/** Searches for a text that one entry holds, and gives that entry's row as shown. */
async function find(text: string): Promise<string> {
  await clearSearch();
  await opened.page.locator('#search').fill(text);
  await expect.poll(() => opened.page.locator('.row').count()).toBe(1);
  await expect.poll(() => opened.page.locator('.row mark').count()).toBeGreaterThan(0);
  return opened.page.locator('.row .message').innerText();
}

async function clearSearch(): Promise<void> {
  await opened.page.locator('#search').fill('');
  await expect.poll(() => opened.page.locator('.row').count()).toBe(HOSTILE.length + 2);
}

test('no log text becomes markup or script, wherever it is shown', async () => {
  const { page } = opened;
  for (let i = 0; i < HOSTILE.length + 2; i++) {
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
  }
  await page.keyboard.press('Escape');
  for (const by of ['pattern', 'source', 'actor', 'tenant']) await page.locator('#stack-by').selectOption(by);
  await page.locator('.facet-row').first().click();
  const box = (await page.locator('#chart').boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 };
  for (let x = 60; x < box.width; x += 40) await page.mouse.move(box.x + x, box.y + 100);
  expect(await page.evaluate('window.pwned')).toBe(undefined);
  expect(await page.evaluate('({}).polluted')).toBe(undefined);
  expect(await page.locator('#app img, #app iframe, #app script, #app svg[onload]').count()).toBe(0);
  expect(opened.problems).toEqual([]);
  await page.locator('#clear-filters').click();
});

test('every entry is still verified: the text was kept byte for byte', async () => {
  expect(await opened.page.locator('#badge').getAttribute('data-state')).toBe('good');
});

test('markup is shown as the text it is', async () => {
  expect(await find('</script><script>window')).toBe('</script><script>window.pwned = 1</script>');
});

test('direction overrides, controls and invisible characters are shown, not obeyed', async () => {
  expect(await find('gnp.exe')).toBe('admin[U+202E]gnp.exe');
  expect(await find('hidden')).toBe('[U+2066][U+2067]hidden[U+2069]');
  expect(await find('bell')).toBe('␛[31mred␛[0m ␇bell ␀null ␡ del [U+0085] next line');
  expect(await find('width')).toBe('zero[U+200B]width[U+FEFF][U+00AD]soft');
  expect(await find('and a tab')).toBe('two␍␊lines␉and a tab');
  expect(await find('emoji')).toBe('\u{1F4A3} emoji and 漢字 stay as they are');
});

test('a line of 60 KB is cut in the list, whole in the entry and found by its end', async () => {
  await clearSearch();
  await opened.page.locator('#search').fill('THE END');
  await expect.poll(() => opened.page.locator('.row').count()).toBe(1);
  expect((await opened.page.locator('.row .message').innerText()).length).toBeLessThan(500);
  await opened.page.locator('.row').first().click();
  expect(await opened.page.locator('.detail-message').innerText()).toMatch(/^x{60000}THE END$/);
  await opened.page.keyboard.press('Escape');
});

test('numbers stand in the entry exactly as stored', async () => {
  expect(await find('numbers')).toBe('numbers');
  await opened.page.locator('.row').first().click();
  const payload = await opened.page.locator('.detail-section .block').first().innerText();
  for (const token of ['"__proto__": {', '10000000000000000000001', '"float": 1.0', '1E400', '99999999999999999999'])
    expect(payload).toContain(token);
  await opened.page.keyboard.press('Escape');
});
