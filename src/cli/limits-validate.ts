import { parseArgs } from 'node:util';
import { LimitsError } from '../limiter/limits-file.ts';
import { readLimits } from '../limiter/limits-source.ts';
import { EXIT_OK, EXIT_USAGE, UsageError, type Command } from './command.ts';

const US_PER_S = 1_000_000;

/** `pproofs limits validate FILE`: what a sidecar would say of the file, before it gets it. */
export const limitsValidate: Command = {
  name: 'limits validate',
  summary: 'check a limits file',
  usage: `pproofs limits validate FILE [--json]
  FILE               the YAML (or JSON) file that PROOFS_LIMITS_FILE will name, see docs/ratelimit.md
  --json             print {valid, faults, limits} as JSON
  Exit codes: 0 it can be used, 2 it cannot; every fault is listed with its place`,
  run(args, io) {
    const { path, isJson } = parseOptions(args);
    try {
      const { limits } = readLimits(path);
      if (isJson) io.stdout.write(`${JSON.stringify({ valid: true, faults: [], limits: limits.map(({ name }) => name) })}\n`);
      else {
        for (const { name, key, limit, windowUs, exact, patterns, isDryRun } of limits) {
          const overrides = exact.size + patterns.length;
          const rest = `${overrides === 0 ? '' : `, ${overrides} overrides`}${isDryRun ? ', dry run' : ''}`;
          io.stdout.write(`${name}: ${limit} in ${windowUs / US_PER_S} s for each ${key === 'ip' ? 'address' : 'tenant'}${rest}\n`);
        }
      }
      return Promise.resolve(EXIT_OK);
    } catch (error) {
      if (!(error instanceof LimitsError)) throw error;
      if (isJson) io.stdout.write(`${JSON.stringify({ valid: false, faults: error.faults, limits: [] })}\n`);
      else for (const fault of error.faults) io.stderr.write(`${fault}\n`);
      return Promise.resolve(EXIT_USAGE);
    }
  },
};

function parseOptions(args: readonly string[]): { readonly path: string; readonly isJson: boolean } {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { json: { type: 'boolean', default: false } },
    });
    if (positionals.length !== 1) throw new UsageError('name one limits file');
    return { path: positionals[0], isJson: values.json };
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}
