import { openLedgerReader } from '../ledger/open-reader.ts';
import { EXIT_OK, UsageError, type Command } from './command.ts';
import { dataDirOf } from './data-dir.ts';
import { FILTER_OPTIONS, FILTER_USAGE, parseFilter } from './entry-filter.ts';
import { formatEntryJson, formatEntryLine, searchableText } from './entry-view.ts';
import { filteredEntries, warnIfCut, warnOfRemoved } from './ledger-entries.ts';
import { Faults, parseOptions } from './options.ts';
import { LineWriter, writeOut } from './write-out.ts';

/** Nothing matched; for scripts. (grep's own 1 is what Node exits with when it crashes.) */
const EXIT_NO_MATCH = 3;

export const logGrep: Command = {
  name: 'log grep',
  summary: 'search the entries of a ledger on disk',
  usage: `usage: pproofs log grep PATTERN [OPTIONS]

Prints the entries in which PATTERN, a JavaScript regular expression, matches the message or any other text.

options:
  -F, --fixed        PATTERN is plain text, not an expression
  -i, --ignore-case  capitals do not matter
  -c, --count        print only how many entries match
  --limit N          stop after N entries
${FILTER_USAGE}

exit codes: 0 found · 2 usage · 3 nothing matched · 70 error`,

  async run(args, io) {
    const { values, positionals } = parseOptions(args, {
      ...FILTER_OPTIONS,
      fixed: { type: 'boolean', short: 'F' },
      'ignore-case': { type: 'boolean', short: 'i' },
      count: { type: 'boolean', short: 'c' },
      limit: { type: 'string' },
      'data-dir': { type: 'string' },
      json: { type: 'boolean' },
    });
    if (positionals.length !== 1)
      throw new UsageError(positionals.length === 0 ? 'give the pattern to look for' : `unexpected "${positionals[1]}"`);
    const faults = new Faults();
    const filter = parseFilter(values, faults, Date.now());
    const limit = faults.integer('--limit', values.limit, 1, Number.MAX_SAFE_INTEGER) ?? Number.MAX_SAFE_INTEGER;
    const pattern = toPattern(positionals[0], values.fixed === true, values['ignore-case'] === true, faults);
    faults.throwIfAny();
    const reader = openLedgerReader(dataDirOf(values['data-dir'], io.env));
    const highlight = new RegExp(pattern, `${pattern.flags}g`);
    const writer = new LineWriter(io.stdout);
    let found = 0;
    for await (const entry of filteredEntries(reader, filter, warnOfRemoved(io))) {
      if (io.signal.aborted) break;
      if (!pattern.test(searchableText(entry))) continue;
      found++;
      if (values.count !== true)
        await writer.line(values.json === true ? formatEntryJson(entry) : formatEntryLine(entry, io.useColor, highlight));
      if (found >= limit) break;
    }
    await writer.flush();
    if (values.count === true) await writeOut(io.stdout, values.json === true ? `{"count":${found}}\n` : `${found}\n`);
    warnIfCut(reader, io);
    return found > 0 ? EXIT_OK : EXIT_NO_MATCH;
  },
};

function toPattern(text: string, isFixed: boolean, ignoresCase: boolean, faults: Faults): RegExp {
  try {
    return new RegExp(isFixed ? text.replace(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`) : text, ignoresCase ? 'imu' : 'mu');
  } catch (error) {
    faults.add(
      `"${text}" is not a regular expression (${error instanceof Error ? error.message : String(error)}); --fixed takes it as plain text`,
    );
    return /(?!)/;
  }
}
