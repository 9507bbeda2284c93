import { parseArgs, type ParseArgsOptionsConfig } from 'node:util';
import { UsageError } from './command.ts';

/** node:util parseArgs with our own errors. */
export function parseOptions<const O extends ParseArgsOptionsConfig>(args: readonly string[], options: O) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    const message = error.message.split('. ')[0].replaceAll("'", '"');
    throw new UsageError(message.charAt(0).toLowerCase() + message.slice(1), { cause: error });
  }
}

/** Gathers every fault of the command line, so that nobody has to run it once per mistake. */
export class Faults {
  readonly #faults: string[] = [];

  add(fault: string): undefined {
    this.#faults.push(fault);
    return undefined;
  }

  /** A plain decimal number within [min, max]. */
  integer(option: string, text: string | undefined, min: number, max: number): number | undefined {
    if (text === undefined) return undefined;
    const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
    return value >= min && value <= max ? value : this.add(`${option} is "${text}": a whole number from ${min} to ${max} is needed`);
  }

  throwIfAny(): void {
    if (this.#faults.length > 0) throw new UsageError(this.#faults.join('; '));
  }
}
