import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launchChromium } from '../support/chromium.ts';
import { INCIDENT_WINDOW, incidentLeaves } from '../support/timeline-incident.ts';
import { sampleTimelineInput } from '../support/timeline-input.ts';
import { badgeText, openTimeline, type OpenTimeline } from '../support/timeline-page.ts';

const EVENTS = 280;

let browser: Browser;
let opened: OpenTimeline;
beforeAll(async () => {
  browser = await launchChromium();
  opened = await openTimeline(browser, sampleTimelineInput(incidentLeaves(), INCIDENT_WINDOW));
});
afterAll(async () => {
  expect(opened.problems).toEqual([]);
  await opened.close();
  await browser.close();
});

const rows = (): ReturnType<OpenTimeline['page']['locator']> => opened.page.locator('.row');
const shownCount = (): Promise<string> => opened.page.locator('#result-count').innerText();
async function expectCount(text: string): Promise<void> {
  await expect.poll(shownCount).toBe(text);
}
async function reset(): Promise<void> {
  const { page } = opened;
  if (await page.locator('#reset-zoom').isVisible()) await page.locator('#reset-zoom').click();
  if (await page.locator('#clear-filters').isVisible()) await page.locator('#clear-filters').click();
  await expectCount(`${EVENTS} events, 1 ledger record`);
}

describe('a good bundle', () => {
  test('is verified in the browser: every entry, the signed root, the signature', async () => {
    expect(await badgeText(opened.page)).toMatch(
      /^Verified here: 282 of 282 entries, signature good \| key not pinned: compare [0-9a-f]{8}$/,
    );
    await opened.page.locator('#badge').click();
    const outcomes = await opened.page
      .locator('.stages li')
      .evaluateAll((items) => items.map((item) => `${item.getAttribute('data-outcome')} ${item.textContent}`));
    expect(outcomes.map((outcome) => outcome.split(' ')[0])).toEqual([
      'good',
      'good',
      'good',
      'good',
      'unchecked',
      'unchecked',
      'unchecked',
    ]);
    expect(outcomes[2]).toContain('no entry of it is left out');
    await opened.page.keyboard.press('Escape');
    expect(await opened.page.locator('#report').isVisible()).toBe(false);
  });

  test('makes no request and raises no error or policy violation', () => {
    expect(opened.problems).toEqual([]);
  });

  test('says in one sentence when it was worst, and of what', async () => {
    expect(await opened.page.locator('#peak').innerText()).toBe(
      'Peak: 42 events in one minute at Nov 20, 09:12 UTC (21× the median minute).',
    );
    expect(await opened.page.locator('#causes').innerText()).toContain('203.0.113.7');
    expect(await opened.page.locator('#bursts').innerText()).toContain('09:12 – 09:13');
  });
});

describe('the chart', () => {
  test('paints bars in several colours, not a blank area', async () => {
    const png = await opened.page.locator('#chart').screenshot();
    const colors = await opened.page.evaluate(
      // Decoding the screenshot in the page itself needs no image library here; data: URLs are blocked by the policy, bitmaps are not.
      `(async () => {
        const bytes = Uint8Array.from(atob('${png.toString('base64')}'), (c) => c.charCodeAt(0));
        const bitmap = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
        const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
        const context = canvas.getContext('2d');
        context.drawImage(bitmap, 0, 0);
        const { data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
        const seen = new Map();
        for (let i = 0; i < data.length; i += 4) { const k = data[i] + ',' + data[i + 1] + ',' + data[i + 2]; seen.set(k, (seen.get(k) ?? 0) + 1); }
        return [...seen].filter(([, n]) => n > 200).map(([k]) => k);
      })()`,
    );
    // --level-info, --level-error and the card's white.
    expect(colors).toEqual(expect.arrayContaining(['91,141,239', '221,59,59', '255,255,255']));
  });

  test('marks the peak and the ledger records', async () => {
    expect(await opened.page.locator('.peak-text').textContent()).toBe('42 · 09:12');
    expect(await opened.page.locator('.marker.alarm title').textContent()).toContain('torn tail');
    expect(await opened.page.locator('#chart svg').getAttribute('aria-label')).toContain('280 events, at most 42 in one minute');
  });

  test('shows the counts of the bar under the pointer', async () => {
    const box = (await opened.page.locator('#chart').boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 };
    const plotWidth = box.width - 52 - 14;
    await opened.page.mouse.move(box.x + 52 + plotWidth * (72.5 / 120), box.y + 100);
    const tip = opened.page.locator('.tip');
    expect(await tip.innerText()).toContain('Nov 20, 09:12 UTC');
    expect(await tip.innerText()).toContain('42 events');
    expect((await tip.innerText()).replaceAll('\n', ' ')).toMatch(/fatal 1 error 39 info 2/);
  });

  test('zooms to the dragged stretch, lists only its entries, and resets', async () => {
    const { page } = opened;
    const box = (await page.locator('#chart').boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 };
    const at = (minute: number): number => box.x + 52 + (box.width - 66) * (minute / 120);
    await page.mouse.move(at(71.5), box.y + 120);
    await page.mouse.down();
    await page.mouse.move(at(73.5), box.y + 120, { steps: 4 });
    await page.mouse.up();
    await expectCount('44 of 280 events');
    expect(await page.locator('#overview').isVisible()).toBe(true);
    expect(await page.locator('.zoom-range').innerText()).toContain('Nov 20, 09:11:');
    await reset();
    expect(await page.locator('#overview').isVisible()).toBe(false);
  });

  test('zooms to one bar by a click and to the peak by the key p', async () => {
    const { page } = opened;
    const box = (await page.locator('#chart').boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 };
    await page.mouse.click(box.x + 52 + (box.width - 66) * (72.5 / 120), box.y + 120);
    await expectCount('42 of 280 events');
    await page.keyboard.press('0');
    await page.keyboard.press('p');
    await expectCount('54 of 280 events, 1 ledger record');
    await reset();
  });
});

describe('filters', () => {
  test('narrow by level, and say how many of how many are shown', async () => {
    await opened.page.locator('[data-level=error]').click();
    await opened.page.locator('[data-level=fatal]').click();
    await expectCount('40 of 280 events');
    expect(await opened.page.locator('[data-level=error]').getAttribute('aria-pressed')).toBe('true');
    await reset();
  });

  test('narrow by tenant and by source', async () => {
    await opened.page.locator('[data-dimension=tenant]').first().selectOption({ label: 'acme' });
    await expectCount('80 of 280 events');
    await opened.page.locator('select[data-dimension=source]').selectOption({ label: 'worker' });
    await expectCount('0 of 280 events');
    expect(await opened.page.locator('.empty').innerText()).toContain('No entry matches');
    await reset();
  });

  test('search message and attributes without regard to case, and highlight the hits', async () => {
    await opened.page.locator('#search').fill('POOL EXHAUSTED');
    await expectCount('40 of 280 events');
    await opened.page.locator('#search').fill('refused');
    await expect.poll(() => rows().first().locator('mark').allInnerTexts()).toEqual(['refused']);
    await opened.page.locator('#search').fill('(.*');
    await expectCount('0 of 280 events');
    await opened.page.locator('#search').fill('');
    await expectCount(`${EVENTS} events, 1 ledger record`);
  });

  test('collapse numbers into kinds of messages, a click on which filters', async () => {
    const kind = opened.page.locator('.facet[data-dimension=pattern] .facet-row').filter({ hasText: 'cache refreshed in # ms' });
    expect(await kind.locator('b').innerText()).toBe('120');
    await kind.click();
    await expectCount('120 of 280 events');
    await reset();
  });

  test('list routine records only on demand', async () => {
    const routine = opened.page.getByRole('button', { name: 'routine 1' });
    await routine.click();
    await expectCount('280 events, 2 ledger records');
    await opened.page.getByRole('button', { name: 'routine 1' }).click();
    await expectCount('280 events, 1 ledger record');
  });
});

describe('the keyboard', () => {
  test('reaches search, list, entry and help, and Escape leads back', async () => {
    const { page } = opened;
    await page.keyboard.press('/');
    expect(await page.locator('#search').evaluate((node) => node === node.ownerDocument.activeElement)).toBe(true);
    await page.keyboard.type('refused');
    await expectCount('40 of 280 events');
    await page.keyboard.press('Escape');
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('Enter');
    await page.locator('#detail').waitFor();
    expect(await page.locator('.row.current .message').innerText()).toContain('refused after 0 tries');
    await page.keyboard.press('Escape');
    expect(await page.locator('#detail').isVisible()).toBe(false);
    await page.keyboard.press('Escape');
    await expectCount(`${EVENTS} events, 1 ledger record`);
    await page.keyboard.press('?');
    expect(await page.locator('#help').isVisible()).toBe(true);
    await page.keyboard.press('Escape');
    expect(await page.locator('#help').isVisible()).toBe(false);
  });

  test('walks to the last row and keeps it in sight', async () => {
    await opened.page.keyboard.press('End');
    await expect.poll(() => opened.page.locator('.row.current .message').innerText()).toContain('cache refreshed in 119 ms');
    await opened.page.keyboard.press('Home');
    await expect.poll(() => opened.page.locator('.row.current .message').innerText()).toContain('GET /orders/0 200');
  });
});

describe('an entry', () => {
  test('shows fields, payload as stored, hash, MAC and its proof', async () => {
    const { page } = opened;
    await page.locator('#search').fill('refused after 0 tries');
    await expectCount('1 of 280 events');
    await rows().first().click();
    const detail = await page.locator('#detail').innerText();
    expect(detail).toContain('"attempt": 0');
    expect(detail).toContain('4bf92f3577b34da6a3ce929d0e0e4736');
    expect(detail).toContain('proved: its content gives its SHA-256');
    expect(detail).toMatch(/SHA-256 of leaf\s+[0-9a-f]{64}/);
    expect(detail).toMatch(/MAC\s+[0-9a-f]{64}/);
    expect(detail).toMatch(/Request tag\s+(5a){64}/);
    await page.keyboard.press('Escape');
    await page.locator('#search').fill('');
    await expectCount(`${EVENTS} events, 1 ledger record`);
  });
});

describe('settings', () => {
  test('local time shifts the clock everywhere and comes back', async () => {
    const { page } = opened;
    await page.getByRole('button', { name: 'Local' }).click();
    expect(await page.locator('#peak').innerText()).toContain('Nov 20, 04:12 local time');
    expect(await rows().first().locator('.time').innerText()).toBe('Nov 20, 03:00:01.000');
    await page.getByRole('button', { name: 'UTC' }).click();
    expect(await page.locator('#peak').innerText()).toContain('Nov 20, 09:12 UTC');
  });

  test('the theme follows the system and can be switched', async () => {
    const background = (): Promise<string> => opened.page.evaluate('getComputedStyle(document.body).backgroundColor');
    expect(await background()).toBe('rgb(246, 247, 249)');
    await opened.page.emulateMedia({ colorScheme: 'dark' });
    expect(await background()).toBe('rgb(16, 19, 24)');
    await opened.page.getByRole('button', { name: 'Switch between dark and light' }).click();
    expect(await background()).toBe('rgb(246, 247, 249)');
  });

  test('prints the header, the chart and the first rows', async () => {
    const pdf = await opened.page.pdf({ format: 'A4' });
    expect(pdf.subarray(0, 5).toString()).toBe('%PDF-');
    await opened.page.emulateMedia({ media: 'print' });
    expect(await opened.page.locator('#peak').isVisible()).toBe(true);
    expect(await opened.page.locator('#search').isVisible()).toBe(false);
    await opened.page.emulateMedia({ media: 'screen' });
  });
});
