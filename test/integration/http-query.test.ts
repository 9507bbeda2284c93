import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApp, type RunningApp } from '../support/running-app.ts';

interface Stored {
  readonly seq: number;
  readonly receivedAt: string;
  readonly event: { readonly message: string; readonly level?: string; readonly tenant?: string };
}

/** More than a page of the default size and than a full tile. */
const EVENTS = 730;
const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', undefined] as const;

let app: RunningApp;
let middle = '';
beforeAll(async () => {
  app = await startApp();
  const line = (i: number): string =>
    JSON.stringify({ message: `event ${i}`, level: LEVELS[i % LEVELS.length], tenant: i % 3 === 0 ? 'acme' : 'other' });
  const lines = Array.from({ length: EVENTS }, (_, i) => line(i));
  await app.post(`${lines.slice(0, 400).join('\n')}\n`, { type: 'application/x-ndjson' });
  await new Promise((resolve) => setTimeout(resolve, 5));
  middle = new Date().toISOString();
  await new Promise((resolve) => setTimeout(resolve, 5));
  await app.post(`${lines.slice(400).join('\n')}\n`, { type: 'application/x-ndjson' });
});
afterAll(() => app[Symbol.asyncDispose]());

/** All events of a query, over as many pages as it takes. */
async function readPages(query: Record<string, string>): Promise<{ events: Stored[]; pages: number }> {
  const events: Stored[] = [];
  let cursor: string | null = null;
  for (let pages = 1; pages < 1000; pages++) {
    const { status, json } = await app.getJson(
      `/events?${new URLSearchParams({ ...query, ...(cursor === null ? {} : { cursor }) }).toString()}`,
    );
    expect(status).toBe(200);
    events.push(...(json.events as Stored[]));
    cursor = json.next as string | null;
    if (cursor === null) return { events, pages };
  }
  throw new Error('the cursor never ends');
}

const messages = (events: readonly Stored[]): string[] => events.map(({ event }) => event.message);
const expected = (matches: (i: number) => boolean): string[] =>
  Array.from({ length: EVENTS }, (_, i) => i)
    .filter(matches)
    .map((i) => `event ${i}`);

describe('GET /events', () => {
  it.each([undefined, '1000', '7', '256'])('covers every event exactly once and in order over all pages of %s', async (limit) => {
    const { events, pages } = await readPages(limit === undefined ? {} : { limit });
    expect(messages(events)).toEqual(expected(() => true));
    expect(pages).toBeGreaterThanOrEqual(Math.ceil(EVENTS / Number(limit ?? 100)));
    expect(events.map(({ seq }) => seq)).toEqual(events.map(({ seq }) => seq).toSorted((a, b) => a - b));
    expect(events.every(({ receivedAt }) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/.test(receivedAt))).toBe(true);
  });

  it('takes a window by the time of receipt, from inclusive, to exclusive', async () => {
    expect(messages((await readPages({ to: middle })).events)).toEqual(expected((i) => i < 400));
    expect(messages((await readPages({ from: middle })).events)).toEqual(expected((i) => i >= 400));
    expect((await readPages({ from: middle, to: middle })).events).toEqual([]);
    expect((await readPages({ from: '24h' })).events).toHaveLength(EVENTS);
    const [first] = (await readPages({ from: middle })).events;
    expect((await readPages({ from: first.receivedAt })).events).toHaveLength(EVENTS - 400);
    expect((await readPages({ to: first.receivedAt })).events).toHaveLength(400);
  });

  it('takes a level and above, and leaves out events without one', async () => {
    for (const [index, level] of LEVELS.slice(0, -1).entries()) {
      expect(messages((await readPages({ level: String(level) })).events)).toEqual(expected((i) => i % 7 >= index && i % 7 < 6));
    }
  });

  it('takes one tenant, also together with the other filters', async () => {
    expect(messages((await readPages({ tenant: 'acme' })).events)).toEqual(expected((i) => i % 3 === 0));
    expect(messages((await readPages({ tenant: 'acme', level: 'error', q: 'EVENT 7', limit: '2' })).events)).toEqual(
      expected((i) => i % 3 === 0 && [4, 5].includes(i % 7) && `event ${i}`.startsWith('event 7')),
    );
    expect((await readPages({ tenant: 'acm' })).events).toEqual([]);
  });

  it('answers one event a line on request, with the cursor in a header', async () => {
    const headers = { accept: 'application/x-ndjson' };
    const page = await fetch(`${app.url}/events?limit=500`, { headers });
    expect(page.headers.get('content-type')).toMatch(/^application\/x-ndjson(;|$)/);
    const rest = await fetch(`${app.url}/events?limit=500&cursor=${page.headers.get('proofs-next-cursor')}`, { headers });
    expect(rest.headers.get('proofs-next-cursor')).toBeNull();
    const text = (await page.text()) + (await rest.text());
    expect(text.endsWith('\n')).toBe(true);
    expect(
      messages(
        text
          .trimEnd()
          .split('\n')
          .map((line) => JSON.parse(line) as Stored),
      ),
    ).toEqual(expected(() => true));
  });

  it('lists every fault of a query at once', async () => {
    const { status, headers, json } = await app.getJson('/events?from=yesterday&level=loud&limit=0&cursor=x&colour=red&size=2');
    expect(status).toBe(400);
    expect(headers.get('content-type')).toMatch(/^application\/problem\+json/);
    const fields = (json.faults as { field: string }[]).map(({ field }) => field);
    for (const name of ['level', 'limit', 'cursor', 'colour', 'size']) expect(fields).toContain(`querystring/${name}`);
    expect(json.faultsTotal).toBe(fields.length);
  });

  it.each(['yesterday', '2026-02-30', '2026-01-02T25:00:00Z', '24'])('says which time it cannot read: %s', async (time) => {
    const { status, json } = await app.getJson(`/events?from=${time}&to=${time}`);
    expect({ status, fields: (json.faults as { field: string }[]).map(({ field }) => field) }).toEqual({
      status: 400,
      fields: ['querystring/from', 'querystring/to'],
    });
  });

  it.each(['limit=1001', 'limit=1.5', 'q=a&q=b', `q=${'x'.repeat(1025)}`, 'cursor=-1', 'cursor=99999999999999999'])(
    'refuses %s',
    async (query) => {
      expect((await app.getJson(`/events?${query}`)).status).toBe(400);
    },
  );
});

describe('what GET /events gives back', () => {
  let other: RunningApp;
  beforeAll(async () => {
    other = await startApp();
    await other.post(
      '{"message":"numbers","attributes":{"big":123456789012345678901234567890,"exact":1.10,"tiny":1e-400,"max":9007199254740993}}',
    );
    await other.post(
      JSON.stringify({ message: 'he said "stop"\nand\tleft', attributes: { path: 'C:\\temp', who: 'ΟΔΥΣΣΕΥΣ', note: '日本語' } }),
    );
  });
  afterAll(() => other[Symbol.asyncDispose]());

  it('has its numbers as they were sent, also beyond 2^53', async () => {
    const text = await (await fetch(`${other.url}/events?limit=1`)).text();
    expect(text).toContain(
      '{"attributes":{"big":123456789012345678901234567890,"exact":1.10,"max":9007199254740993,"tiny":1e-400},"message":"numbers"}',
    );
  });

  it.each([
    ['a quote', '"STOP"', 1],
    ['a line break', 'stop"\nand', 1],
    ['a tab', '\tleft', 1],
    ['a backslash', 'c:\\TEMP', 1],
    ['Greek capitals', 'οδυσσευς', 1],
    ['another script', '本', 1],
    ['the digits of a large number', '9007199254740993', 1],
    ['a number as it was sent', '1.10', 1],
    ['nothing in particular', '', 2],
    ['the name of a field', 'message', 0],
    ['a letter that only an escape holds', 'nand', 0],
    ['JSON between two values', '","', 0],
  ])('is found by text as a person reads it: %s', async (_case, q, count) => {
    const { json } = await other.getJson(`/events?${new URLSearchParams({ q }).toString()}`);
    expect(json.events).toHaveLength(count);
  });
});
