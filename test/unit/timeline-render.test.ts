import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inflateRawSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { fromEnvelope, toEnvelope } from '../../src/bundle/timeline/envelope.ts';
import { renderTimeline } from '../../src/bundle/timeline/render-timeline.ts';
import { buildTimelineApp } from '../../tools/build-timeline.ts';
import { INCIDENT_WINDOW, incidentLeaves } from '../support/timeline-incident.ts';
import { sampleTimelineInput } from '../support/timeline-input.ts';

const input = sampleTimelineInput(incidentLeaves(), INCIDENT_WINDOW);
const html = renderTimeline(input);

function part(pattern: RegExp): string {
  return pattern.exec(html)?.[1] ?? expect.fail(`the page has no ${String(pattern)}`);
}

test('the same input gives the same bytes', () => {
  expect(renderTimeline({ ...input })).toBe(html);
});

test('all that differs between two logs is the base64 block: no log text is markup', () => {
  const hostile = { ...input, eventsNdjson: '</script><script>alert(1)</script>\n', origin: '"><img src=x>', toolVersion: '</title>' };
  const withoutData = (page: string): string => page.replace(/(id="data">)[A-Za-z0-9+/=]*(<)/, '$1$2');
  expect(withoutData(renderTimeline(hostile))).toBe(withoutData(html));
});

test('the embedded block gives back every line as it was', () => {
  const text = inflateRawSync(Buffer.from(part(/id="data">([A-Za-z0-9+/=]+)</), 'base64')).toString();
  expect(text).toBe(toEnvelope(input));
  const { head, edges, events } = fromEnvelope(text);
  expect(events.map((line) => `${line}\n`).join('')).toBe(input.eventsNdjson);
  expect(edges.map((line) => `${line}\n`).join('')).toBe(input.edgesNdjson);
  expect({ ...head, edgesNdjson: input.edgesNdjson, eventsNdjson: input.eventsNdjson }).toEqual({ ...input, edgeLines: 2 });
});

test('the policy allows exactly this script and this style, and nothing to be loaded', () => {
  const policy = part(/http-equiv="Content-Security-Policy" content="([^"]+)"/);
  const hash = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
  expect(policy.split('; ')).toEqual([
    "default-src 'none'",
    `script-src ${hash(part(/<script>([^]*?)<\/script>/))}`,
    `style-src ${hash(part(/<style>([^]*?)<\/style>/))}`,
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ]);
  expect(html).not.toMatch(/https?:\/\/(?!www\.w3\.org\/2000\/svg)/);
  expect(html).not.toMatch(/ style="| on[a-z]+="/);
});

test('the committed app is what its sources give', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'timeline-app-'));
  try {
    await buildTimelineApp(dir);
    const committed = new URL('../../src/bundle/timeline/generated/app.ts', import.meta.url);
    expect(await readFile(join(dir, 'app.ts'), 'utf8')).toBe(await readFile(committed, 'utf8'));
  } finally {
    await rm(dir, { recursive: true });
  }
});
