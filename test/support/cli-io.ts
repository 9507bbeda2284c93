import { Readable, Writable } from 'node:stream';
import type { CommandIo } from '../../src/cli/command.ts';

export interface CapturedIo extends CommandIo {
  out(): string;
  err(): string;
  readonly controller: AbortController;
}

export interface CapturedIoOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly stdin?: string | Buffer;
  readonly isTerminal?: boolean;
  readonly useColor?: boolean;
  /** Sees every piece written to stdout; what it throws is the stream's error. */
  readonly onOut?: (text: string) => void;
  readonly onErr?: (text: string) => void;
}

/** What main gives a command, with its output kept. */
export function captureIo(options: CapturedIoOptions = {}): CapturedIo {
  const texts = { out: '', err: '' };
  const capture = (name: 'out' | 'err', also: ((text: string) => void) | undefined): Writable =>
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        texts[name] += chunk.toString('utf8');
        try {
          also?.(chunk.toString('utf8'));
          done();
        } catch (error) {
          done(error instanceof Error ? error : new Error(String(error)));
        }
      },
    });
  const controller = new AbortController();
  return {
    stdout: capture('out', options.onOut),
    stderr: capture('err', options.onErr),
    stdin: Readable.from(options.stdin === undefined ? [] : [Buffer.from(options.stdin)]),
    env: options.env ?? {},
    isTerminal: options.isTerminal ?? false,
    useColor: options.useColor ?? false,
    signal: controller.signal,
    controller,
    out: () => texts.out,
    err: () => texts.err,
  };
}
