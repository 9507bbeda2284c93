import { openLedgerReader } from '../ledger/open-reader.ts';
import { EXIT_OK, UsageError, type Command } from './command.ts';
import { dataDirOf } from './data-dir.ts';
import { FILTER_OPTIONS, FILTER_USAGE, parseFilter } from './entry-filter.ts';
import { formatEntryJson, formatEntryLine, toEntryView, type EntryView } from './entry-view.ts';
import { followLedger } from './follow-ledger.ts';
import { lastEntries, warnIfCut } from './ledger-entries.ts';
import { Faults, parseOptions } from './options.ts';
import { writeOut } from './write-out.ts';

const DEFAULT_ENTRIES = 20;
/** The last entries are held in memory; more than this is work for `log cat`. */
const ENTRIES_MAX = 100_000;

export const logTail: Command = {
  name: 'log tail',
  summary: 'print the last entries of a ledger on disk, and follow it',
  usage: `usage: pproofs log tail [OPTIONS]

Prints the last entries, oldest first, and with -f every new one as it arrives (end with Ctrl-C).

options:
  -n, --lines N      how many, 0 to ${ENTRIES_MAX} (default ${DEFAULT_ENTRIES})
  -f, --follow       go on with new entries
${FILTER_USAGE}

exit codes: 0 · 2 usage · 70 error`,

  async run(args, io) {
    const { values, positionals } = parseOptions(args, {
      ...FILTER_OPTIONS,
      lines: { type: 'string', short: 'n' },
      follow: { type: 'boolean', short: 'f' },
      'data-dir': { type: 'string' },
      json: { type: 'boolean' },
    });
    if (positionals.length > 0) throw new UsageError(`unexpected "${positionals[0]}"`);
    const faults = new Faults();
    const filter = parseFilter(values, faults, Date.now());
    const lines = faults.integer('--lines', values.lines, 0, ENTRIES_MAX) ?? DEFAULT_ENTRIES;
    faults.throwIfAny();
    const dataDir = dataDirOf(values['data-dir'], io.env);
    const reader = openLedgerReader(dataDir);
    const print = (entry: EntryView): Promise<void> =>
      writeOut(io.stdout, `${values.json === true ? formatEntryJson(entry) : formatEntryLine(entry, io.useColor)}\n`);
    for (const entry of await lastEntries(reader, filter, lines)) await print(entry);
    warnIfCut(reader, io);
    if (values.follow !== true) return EXIT_OK;
    for await (const leaf of followLedger(dataDir, reader.head().size, io.signal)) {
      const entry = toEntryView(leaf);
      if (filter.matches(entry)) await print(entry);
    }
    return EXIT_OK;
  },
};
