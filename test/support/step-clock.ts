import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runTool } from './tools.ts';

const SOURCE = fileURLToPath(new URL('step-clock.c', import.meta.url));
const US_PER_S = 1_000_000;

/** A wall clock that a program is started with, and that can be set while it runs. Its monotonic clock is left alone, as by `date -s`. */
export interface StepClock extends Disposable {
  /** For the environment of the program. */
  readonly env: Readonly<Record<string, string>>;
  /** So many seconds off the true time from now on. */
  set(seconds: number): void;
}

export function makeStepClock(): StepClock {
  const dir = mkdtempSync(join(tmpdir(), 'proofs-clock-'));
  const [library, file] = [join(dir, 'step-clock.so'), join(dir, 'offset')];
  const set = (seconds: number): void => {
    const offset = Buffer.alloc(8);
    offset.writeBigInt64LE(BigInt(Math.round(seconds * US_PER_S)));
    writeFileSync(file, offset, { flag: 'r+' });
  };
  writeFileSync(file, Buffer.alloc(8));
  const { status, output } = runTool('gcc', ['-O1', '-Wall', '-Werror', '-shared', '-fPIC', '-o', library, SOURCE]);
  if (status !== 0) throw new Error(`the clock for tests does not build; apt-get install gcc libc6-dev: ${output}`);
  return {
    env: { LD_PRELOAD: library, STEP_CLOCK_FILE: file },
    set,
    [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }),
  };
}
