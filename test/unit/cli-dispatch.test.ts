import { describe, expect, test } from 'vitest';
import { EXIT_OK, UsageError, type Command } from '../../src/cli/command.ts';
import { dispatch } from '../../src/cli/dispatch.ts';
import { nearest } from '../../src/cli/nearest.ts';
import { toolVersion } from '../../src/kernel/tool-version.ts';
import { writeOut } from '../../src/cli/write-out.ts';
import { captureIo } from '../support/cli-io.ts';

function command(name: string, run: Command['run']): Command {
  return { name, summary: `does ${name}`, usage: `usage: pproofs ${name}`, run };
}

const seen: string[][] = [];
const COMMANDS: readonly Command[] = [
  command('serve', (args) => {
    seen.push(['serve', ...args]);
    return Promise.resolve(7);
  }),
  command('log cat', (args) => {
    seen.push(['log cat', ...args]);
    return Promise.resolve(EXIT_OK);
  }),
  command('log verify', () => Promise.reject(new UsageError('--key is "x"; --anchor is "y"'))),
  command('bundle build', () => Promise.reject(new Error('cannot\x1b[2J build', { cause: new Error('disk on fire') }))),
  command('limits', async (_args, io) => {
    for (let line = 0; line < 10; line++) await writeOut(io.stdout, 'line\n');
    return 5;
  }),
];

function closedPipe(): never {
  throw Object.assign(new Error('write EPIPE'), { code: 'EPIPE' });
}

describe('dispatch', () => {
  test.each([[[]], [['help']], [['--help']], [['-h']]])('%j prints the overview by topic', async (argv) => {
    const io = captureIo();
    expect(await dispatch(argv, io, COMMANDS)).toBe(0);
    expect(io.out()).toContain(toolVersion());
    expect(io.out()).toMatch(/Run a sidecar\n {2}serve +does serve\n/);
    expect(io.out()).toMatch(/Read and check a ledger on disk\n {2}log cat +does log cat\n {2}log verify +does log verify\n/);
    expect(io.out()).toMatch(/More\n {2}limits +does limits\n/);
    expect(io.err()).toBe('');
  });

  test('hands the rest of the words to the command and answers its exit code', async () => {
    seen.length = 0;
    expect(await dispatch(['serve', '--x', 'y'], captureIo(), COMMANDS)).toBe(7);
    expect(await dispatch(['log', 'cat', 'z'], captureIo(), COMMANDS)).toBe(0);
    expect(seen).toEqual([
      ['serve', '--x', 'y'],
      ['log cat', 'z'],
    ]);
  });

  test.each([[['log', 'cat', '--help']], [['log', 'cat', '--x', '-h']], [['help', 'log', 'cat']]])(
    '%j explains one command',
    async (argv) => {
      const io = captureIo();
      expect(await dispatch(argv, io, COMMANDS)).toBe(0);
      expect(io.out()).toBe('usage: pproofs log cat\n');
    },
  );

  test('words after "--" are never taken for --help', async () => {
    seen.length = 0;
    await dispatch(['log', 'cat', '--', '--help'], captureIo(), COMMANDS);
    expect(seen).toEqual([['log cat', '--', '--help']]);
  });

  test('--version prints the version of the package', async () => {
    const io = captureIo();
    expect(await dispatch(['--version'], io, COMMANDS)).toBe(0);
    expect(io.out()).toMatch(/^\d+\.\d+\.\d+\S*\n$/);
  });

  test.each([
    [['serv'], 'did you mean "pproofs serve"?'],
    [['log', 'ca'], 'did you mean "pproofs log cat"?'],
    [['log', 'verfy', '--json'], 'did you mean "pproofs log verify"?'],
    [['log'], 'it needs one more word: log cat, log verify'],
    [['entirely-else'], 'run "pproofs help" for the list'],
    [['--verbose'], 'run "pproofs help" for the list'],
    [['help', 'serv'], 'did you mean "pproofs serve"?'],
    [['\x1b[2J'], 'there is no command "\\x1b[2J"'],
  ])('%j is no command: exit 2 and a hint', async (argv, hint) => {
    const io = captureIo();
    expect(await dispatch(argv, io, COMMANDS)).toBe(2);
    expect(io.err()).toContain(hint);
    expect(io.out()).toBe('');
  });

  test('a usage error shows the faults and the usage, exit 2', async () => {
    const io = captureIo();
    expect(await dispatch(['log', 'verify'], io, COMMANDS)).toBe(2);
    expect(io.err()).toBe('pproofs log verify: --key is "x"; --anchor is "y"\n\nusage: pproofs log verify\n');
  });

  test('any other error is one line with its cause, made safe for a terminal, exit 70', async () => {
    const io = captureIo();
    expect(await dispatch(['bundle', 'build'], io, COMMANDS)).toBe(70);
    expect(io.err()).toBe('pproofs: cannot\\x1b[2J build: caused by: disk on fire\n');
  });

  test('a reader that leaves early is no error', async () => {
    const io = captureIo({ onOut: closedPipe });
    expect(await dispatch(['limits'], io, COMMANDS)).toBe(0);
    expect(io.err()).toBe('');
  });

  test.each([[['help']], [['limits']]])('any other fault of stdout is an error (%j)', async (argv) => {
    const io = captureIo({
      onOut: () => {
        throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
      },
    });
    expect(await dispatch(argv, io, COMMANDS)).toBe(70);
    expect(io.err()).toBe('pproofs: no space left on device\n');
  });
});

test('suggestions stay near', () => {
  expect(nearest('bundel build', ['bundle build', 'bundle verify'])).toBe('bundle build');
  expect(nearest('x', ['serve'])).toBeUndefined();
});
