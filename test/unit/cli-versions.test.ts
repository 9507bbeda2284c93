import { Buffer } from 'node:buffer';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { COMMANDS } from '../../src/cli/commands.ts';
import { dispatch } from '../../src/cli/dispatch.ts';
import { readEvents, type ServerEvent } from '../../src/cli/read-events.ts';
import { VersionsError } from '../../src/versions/versions-error.ts';
import { captureIo } from '../support/cli-io.ts';
import { tempDir } from '../support/temp-dir.ts';
import { startVersionsApp } from '../support/versions-app.ts';

it.each([
  [['put'], 'NAME is missing; FILE is missing; one of --first, --if-match and --latest is needed'],
  [['put', 'a', 'f', '--first', '--latest'], 'one of --first'],
  [['put', '../a', 'f', '--first'], '"../a" cannot be the name of an artifact'],
  [['put', 'a', 'f', '--first', '--confirm-within', '0'], '--confirm-within is "0"'],
  [['put', 'a', '/nonexistent/f', '--first'], '"/nonexistent/f" cannot be read'],
  [['get', 'a', 'one'], 'VERSION is "one"'],
  [['get', 'a', '1', '--at', '2h'], 'contradict each other'],
  [['get', 'a', '--json'], '--json is for --output'],
  [['diff', 'a', '1'], 'TO is missing'],
  [['rollback', 'a'], '--to is needed: a version or a time; --reason is needed'],
  [['hold', 'a'], '--reason is needed'],
  [['pin', 'a', '1', '--legal'], '--legal has no meaning here'],
  [['verify', 'a', 'b'], 'unexpected "b"'],
  [['sync', 'a', '/nonexistent/f'], 'files cannot be made in "/nonexistent"'],
])('%j is a usage error', async (args, message) => {
  const io = captureIo();
  expect(await dispatch(['versions', ...args], io, COMMANDS)).toBe(2);
  expect(io.out()).toBe('');
  expect(io.err()).toContain(message);
});

it('versions sync leaves the file as it is while a content cannot be had, and goes on', async () => {
  await using app = await startVersionsApp();
  using dir = tempDir();
  const file = join(dir.path, 'app.conf');
  writeFileSync(file, 'old');
  app.versions.add('app', 'new');
  let asked = 0;
  app.versions.opening = () => (++asked > 2 ? Promise.resolve() : Promise.reject(new VersionsError('version-damaged', 'other bytes')));
  const io = captureIo();
  const running = dispatch(['versions', 'sync', 'app', file, '--url', app.url], io, COMMANDS);
  await expect.poll(() => io.err()).toContain('other bytes; trying again\n');
  expect(readFileSync(file, 'utf8')).toBe('old');
  await expect.poll(() => io.out()).toContain('is now app 1 ');
  expect(readFileSync(file, 'utf8')).toBe('new');
  // Said once, though it was tried more often.
  expect(io.err().match(/trying again/g)).toHaveLength(1);
  io.controller.abort();
  expect(await running).toBe(0);
});

describe('readEvents', () => {
  async function read(...chunks: readonly string[]): Promise<ServerEvent[][]> {
    const found: ServerEvent[][] = [];
    async function* bytes(): AsyncGenerator<Uint8Array> {
      for (const chunk of chunks) yield Buffer.from(chunk, 'latin1');
    }
    for await (const events of readEvents(bytes())) found.push([...events]);
    return found;
  }

  it('finds events wherever the stream is cut, and passes comments and other fields over', async () => {
    const stream =
      'retry: 1000\n\n:\n\nevent: head\nid: 1\ndata: {"a":"\u00c3\u00a9"}\n\n:x\n\nevent:head\r\ndata:two\r\ndata: lines\r\n\r\ndata: cut';
    const whole = [
      { event: 'head', data: '{"a":"é"}' },
      { event: 'head', data: 'two\nlines' },
    ];
    expect(await read(stream)).toEqual([whole]);
    for (let at = 1; at < stream.length; at++) expect((await read(stream.slice(0, at), stream.slice(at))).flat()).toEqual(whole);
    expect((await read(...stream.split(''))).flat()).toEqual(whole);
  });

  it('does not hold an endless line', async () => {
    await expect(read('data: ', 'x'.repeat(70_000))).rejects.toThrow('endless line');
    await expect(read(...Array.from({ length: 70 }, () => `data: ${'x'.repeat(1000)}\n`))).rejects.toThrow('endless line');
  });
});
