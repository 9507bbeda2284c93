import { openLedgerReader } from '../ledger/open-reader.ts';
import { EXIT_OK, UsageError, type Command } from './command.ts';
import { dataDirOf } from './data-dir.ts';
import { FILTER_OPTIONS, FILTER_USAGE, parseFilter } from './entry-filter.ts';
import { formatEntryJson, formatEntryLine } from './entry-view.ts';
import { filteredEntries, warnIfCut, warnOfRemoved } from './ledger-entries.ts';
import { Faults, parseOptions } from './options.ts';
import { LineWriter } from './write-out.ts';

export const logCat: Command = {
  name: 'log cat',
  summary: 'print entries of a ledger on disk',
  usage: `usage: pproofs log cat [OPTIONS]

Prints entries, oldest first: counter, time (the producer's own when it gave one), level, source, message. Reading is not
checking: "pproofs log verify" judges.

options:
  --limit N          stop after N entries
${FILTER_USAGE}

exit codes: 0 · 2 usage · 70 error`,

  async run(args, io) {
    const { values, positionals } = parseOptions(args, {
      ...FILTER_OPTIONS,
      limit: { type: 'string' },
      'data-dir': { type: 'string' },
      json: { type: 'boolean' },
    });
    if (positionals.length > 0) throw new UsageError(`unexpected "${positionals[0]}"`);
    const faults = new Faults();
    const filter = parseFilter(values, faults, Date.now());
    const limit = faults.integer('--limit', values.limit, 0, Number.MAX_SAFE_INTEGER) ?? Number.MAX_SAFE_INTEGER;
    faults.throwIfAny();
    const reader = openLedgerReader(dataDirOf(values['data-dir'], io.env));
    const writer = new LineWriter(io.stdout);
    let printed = 0;
    if (limit > 0) {
      for await (const entry of filteredEntries(reader, filter, warnOfRemoved(io))) {
        if (io.signal.aborted) break;
        await writer.line(values.json === true ? formatEntryJson(entry) : formatEntryLine(entry, io.useColor));
        if (++printed >= limit) break;
      }
    }
    await writer.flush();
    warnIfCut(reader, io);
    return EXIT_OK;
  },
};
