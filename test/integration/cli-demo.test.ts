import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { detectFormat } from '../../src/import/formats.ts';
import { parseSyslogLine } from '../../src/import/syslog-line.ts';
import { generateIncident } from '../../tools/demo-incident.ts';

const DEMO = fileURLToPath(new URL('../../tools/demo.ts', import.meta.url));
/** A sidecar and eight short processes, on a machine that may be busy. */
const SLOW_MS = 120_000;

test('npm run demo: import, bundle, verification, and the changed entry named', { timeout: SLOW_MS }, async () => {
  const child = spawn(process.execPath, [DEMO, '--seed', '7'], { stdio: ['ignore', 'pipe', 'pipe'] });
  const texts = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (texts.out += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (texts.err += chunk));
  const code = await new Promise((resolve) => child.once('close', resolve));
  const folder = /(?:kept|so far is) in (\S+)/.exec(texts.out + texts.err)?.[1];
  try {
    expect({ code, err: texts.err }).toEqual({ code: 0, err: '' });
    expect(texts.out).toMatch(/the verifier names entry \d+, and nothing else/);
    const timeline = /timeline {2}(\S+)/.exec(texts.out)?.[1] ?? '';
    const bundle = /bundle {4}(\S+)/.exec(texts.out)?.[1] ?? '';
    expect(readFileSync(timeline, 'utf8')).toMatch(/^<!doctype html>/i);
    expect(existsSync(bundle)).toBe(true);
  } finally {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  }
});

test('the made-up incident is the same for the same seed, in order, and peaks in the attack', () => {
  const text = generateIncident(7);
  expect(generateIncident(7)).toBe(text);
  expect(generateIncident(8)).not.toBe(text);
  const lines = text.trimEnd().split('\n');
  expect(detectFormat(lines)).toBe('syslog');
  const times = lines.map((line) => line.slice(0, 29));
  expect(times).toEqual(times.toSorted());
  const perHour = new Map<number, number>();
  for (const line of lines) {
    const hour = parseSyslogLine(line)?.time?.hour ?? -1;
    perHour.set(hour, (perHour.get(hour) ?? 0) + 1);
  }
  expect([...perHour].toSorted((a, b) => b[1] - a[1])[0][0]).toBe(14);
  expect(perHour.get(-1)).toBeUndefined();
});
