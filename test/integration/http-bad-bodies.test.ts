import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BAD_BODIES } from '../support/bad-bodies.ts';
import { startApp, type RunningApp } from '../support/running-app.ts';
import { storedByRequests } from '../support/stored-leaves.ts';

let app: RunningApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app[Symbol.asyncDispose]());

describe('a bad body over HTTP', () => {
  it('is one of at least 40 kinds', () => {
    expect(BAD_BODIES.length).toBeGreaterThanOrEqual(40);
    expect(new Set(BAD_BODIES.map(({ name }) => name)).size).toBe(BAD_BODIES.length);
  });

  it.each(BAD_BODIES)('is refused with every fault, and nothing is stored: $name', async ({ contentType, body, expect: expected }) => {
    const { status, headers, json } = await app.getJson('/events', { method: 'POST', body, headers: { 'content-type': contentType } });
    expect(status).toBe(expected.status);
    expect(headers.get('content-type')).toMatch(/^application\/problem\+json/);
    const faults = (json.faults ?? []) as { line: number; field: string; reason: string }[];
    if (expected.faults !== undefined) {
      const place = ({ line, field }: { line: number; field: string }): string => `${line} ${field}`;
      expect(faults.map(place).toSorted()).toEqual(expected.faults.map(place).toSorted());
      for (const { line, field, reason } of expected.faults) {
        if (reason !== undefined)
          expect(faults.some((fault) => fault.line === line && fault.field === field && reason.test(fault.reason))).toBe(true);
      }
      expect(json.faultsTotal).toBeGreaterThanOrEqual(faults.length);
    }
    expect((await fetch(`${app.url}/healthz`)).status).toBe(200);
    // The genesis leaf alone.
    expect(await storedByRequests(app.dataDir)).toHaveLength(1);
  });

  it('leaves a sidecar that takes the next good one', async () => {
    expect((await app.post('{"message":"good"}')).status).toBe(201);
    expect(await storedByRequests(app.dataDir)).toHaveLength(2);
  });
});
