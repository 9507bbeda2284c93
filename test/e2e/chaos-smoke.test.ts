import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Report } from '../../bench/chaos/report.ts';
import { tempDir } from '../support/temp-dir.ts';

const RUN_MS_MAX = 180_000;

test('decisions under load and faults are right, as the definition has it, and the report says so', { timeout: RUN_MS_MAX }, async () => {
  using dir = tempDir();
  const args = ['bench/chaos/run.ts', '--smoke', '--output', dir.path];
  const [code, said] = await new Promise<[unknown, string]>((resolve) => {
    execFile(process.execPath, args, (error, out, err) => resolve([error === null ? 0 : (error.code ?? error.signal), out + err]));
  });
  expect(code, said).toBe(0);
  const report = JSON.parse(readFileSync(join(dir.path, 'report.json'), 'utf8')) as Report;
  expect(report.failures).toEqual([]);
  expect(report.runs.map(({ name }) => name)).toEqual(['embedded', 'redis', 'redis-kill-aof', 'flushall', 'lost-replies', 'node-kill']);
  for (const { name, accuracy, certain, trace } of report.runs) {
    expect(accuracy?.falseNegatives, name).toBe(0);
    expect(accuracy?.over, name).toBeGreaterThan(100);
    expect(certain, name).toMatchObject({ overAdmissions: 0 });
    expect(certain?.requests, name).toBeGreaterThan(100);
    // Without the fault, or without a decision that it touched, a run would show nothing.
    if (['redis-kill-aof', 'flushall', 'lost-replies'].includes(name)) expect(trace.degraded, name).toBeGreaterThan(0);
  }
  const [embedded, redis] = report.runs;
  for (const { accuracy, certain } of [embedded, redis]) {
    expect(accuracy?.falsePositives).toBe(0);
    expect(accuracy?.nearLimit).toBeGreaterThanOrEqual(3000);
    expect(certain).toMatchObject({ falseDenials: 0 });
  }
  const html = readFileSync(join(dir.path, 'report.html'), 'utf8');
  expect(html).toContain('Every run was as expected.');
  expect(html.match(/<svg /g)?.length).toBe(3 * report.runs.length);
  expect(html).not.toMatch(/https?:\/\//);
});
