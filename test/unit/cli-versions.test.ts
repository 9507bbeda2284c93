import { Buffer } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import { COMMANDS } from '../../src/cli/commands.ts';
import { dispatch } from '../../src/cli/dispatch.ts';
import { readEvents, type ServerEvent } from '../../src/cli/read-events.ts';
import { captureIo } from '../support/cli-io.ts';

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
