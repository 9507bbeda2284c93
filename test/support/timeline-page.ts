import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { renderTimeline } from '../../src/bundle/timeline/render-timeline.ts';
import type { TimelineInput } from '../../src/bundle/timeline-input.ts';

export interface OpenTimeline {
  readonly page: Page;
  /** Console errors and warnings, uncaught errors, CSP violations and every request for anything but the file itself. */
  readonly problems: string[];
  close(): Promise<void>;
}

/** Opens the page from file://, as a responder does, and waits until it has checked itself. `script` runs before the page's own. */
export async function openTimeline(
  browser: Browser,
  input: TimelineInput | string,
  options: BrowserContextOptions = {},
  script?: string,
): Promise<OpenTimeline> {
  const dir = await mkdtemp(join(tmpdir(), 'timeline-'));
  const file = join(dir, 'timeline.html');
  await writeFile(file, typeof input === 'string' ? input : renderTimeline(input));
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, timezoneId: 'America/New_York', ...options });
  const page = await context.newPage();
  const problems: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') problems.push(`${message.type()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => problems.push(`uncaught: ${error.message}`));
  page.on('request', (request) => {
    if (request.url() !== `file://${file}`) problems.push(`request: ${request.url().slice(0, 200)}`);
  });
  await page.addInitScript(
    `addEventListener('securitypolicyviolation', (e) => console.error('CSP ' + e.violatedDirective + ' ' + e.blockedURI))`,
  );
  if (script !== undefined) await page.addInitScript(script);
  await page.goto(`file://${file}`);
  await page.locator('#badge:not([data-state=pending]), body[data-failed]').first().waitFor({ timeout: 60_000 });
  return {
    page,
    problems,
    async close() {
      await context.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** The text of the badge, both lines. */
export async function badgeText(page: Page): Promise<string> {
  return (await page.locator('#badge').innerText()).replaceAll('\n', ' | ');
}
