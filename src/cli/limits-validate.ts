import { LimitsError } from '../limiter/limits-file.ts';
import { readLimits } from '../limiter/limits-source.ts';
import { EXIT_OK, EXIT_USAGE, UsageError, type Command } from './command.ts';
import { parseOptions } from './options.ts';

const US_PER_S = 1_000_000;

/** `pproofs limits validate FILE`: what a sidecar would say of the file, before it gets it. */
export const limitsValidate: Command = {
  name: 'limits validate',
  summary: 'check a limits file',
  usage: `pproofs limits validate FILE [--json]
  FILE               the YAML (or JSON) file that PROOFS_LIMITS_FILE will name, see docs/ratelimit.md
  --json             print {valid, faults, limits} as JSON
  Exit codes: 0 it can be used, 2 it cannot; every fault is listed with its place`,
  async run(args, io) {
    const { values, positionals } = parseOptions(args, { json: { type: 'boolean', default: false } });
    if (positionals.length !== 1) throw new UsageError('name one limits file');
    const [path] = positionals;
    try {
      const { limits } = readLimits(path);
      if (values.json) io.stdout.write(`${JSON.stringify({ valid: true, faults: [], limits: limits.map(({ name }) => name) })}\n`);
      else {
        for (const { name, key, limit, windowUs, exact, patterns, isDryRun } of limits) {
          const overrides = exact.size + patterns.length;
          const rest = `${overrides === 0 ? '' : `, ${overrides} overrides`}${isDryRun ? ', dry run' : ''}`;
          io.stdout.write(`${name}: ${limit} in ${windowUs / US_PER_S} s for each ${key === 'ip' ? 'address' : 'tenant'}${rest}\n`);
        }
      }
      return EXIT_OK;
    } catch (error) {
      if (!(error instanceof LimitsError)) throw error;
      if (values.json) io.stdout.write(`${JSON.stringify({ valid: false, faults: error.faults, limits: [] })}\n`);
      else for (const fault of error.faults) io.stderr.write(`${fault}\n`);
      return EXIT_USAGE;
    }
  },
};
