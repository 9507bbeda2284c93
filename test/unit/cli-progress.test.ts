import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { createProgressBar } from '../../src/cli/progress-bar.ts';

function capture(columns?: number): { stream: Writable; text: () => string } {
  let text = '';
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString('utf8');
      done();
    },
  });
  return { stream: columns === undefined ? stream : Object.assign(stream, { columns }), text: () => text };
}

test('shows share, lines, bytes, speed and the time left', () => {
  const { stream, text } = capture();
  let now = 0;
  const bar = createProgressBar(stream, true, 'a.log', () => now);
  now = 10_000;
  bar.update(25_000_000, 100_000_000, 250_000);
  expect(text()).toBe('\r\x1b[Ka.log  [######------------------]  25 %  250,000 lines  25.0 MB of 100.0 MB  25,000 lines/s  30 s left');
  bar.finish();
  expect(text().endsWith('\r\x1b[K')).toBe(true);
});

test('a stream of unknown length shows what is done', () => {
  const { stream, text } = capture();
  let now = 0;
  const bar = createProgressBar(stream, true, 'standard input', () => now);
  now = 1000;
  bar.update(2_000_000, undefined, 3);
  expect(text()).toBe('\r\x1b[Kstandard input  3 lines  2.0 MB  3 lines/s');
});

test('is redrawn ten times a second at most', () => {
  const { stream, text } = capture();
  let now = 0;
  const bar = createProgressBar(stream, true, 'a.log', () => now);
  for (; now < 1000; now++) bar.update(now, 1000, now);
  expect(text().match(/\r/g)).toHaveLength(10);
});

test('in a file it is a line every five seconds, and nothing for what is done sooner', () => {
  const { stream, text } = capture();
  let now = 0;
  const bar = createProgressBar(stream, false, 'a.log', () => now);
  for (; now < 11_000; now += 100) bar.update(now, 20_000, now);
  bar.finish();
  expect(text().split('\n')).toHaveLength(3);
  expect(text()).not.toContain('\x1b');
});

test('never wraps, and shows a hostile file name safely', () => {
  const { stream, text } = capture(40);
  let now = 0;
  const bar = createProgressBar(stream, true, 'x\x1b[2J.log', () => now);
  now = 3_700_000;
  bar.update(1, 100, 5);
  expect(text().slice('\r\x1b[K'.length)).toHaveLength(39);
  expect(text()).toContain('x\\x1b[2J.log');
});
