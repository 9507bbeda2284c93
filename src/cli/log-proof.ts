import { equalBytes, toHex } from '../kernel/bytes.ts';
import { NoteFormatError, parseCheckpoint, type SignedCheckpoint } from '../kernel/note.ts';
import { formatTlogProof } from '../kernel/tlog-proof.ts';
import { openLedgerReader } from '../ledger/open-reader.ts';
import { EXIT_ERROR, EXIT_OK, UsageError, type Command } from './command.ts';
import { dataDirOf } from './data-dir.ts';
import { Faults, parseOptions } from './options.ts';
import { writeOut } from './write-out.ts';

export const logProof: Command = {
  name: 'log proof',
  summary: 'print the proof that an entry is in the ledger (c2sp.org/tlog-proof)',
  usage: `usage: pproofs log proof --seq N [OPTIONS]

Prints a tlog-proof text: the path from entry N to the latest signed checkpoint. Together with the entry's bytes and the
verifier key anybody can check it without the ledger.

options:
  --seq N            counter of the entry
  --data-dir DIR     the ledger's directory (PROOFS_DATA_DIR, otherwise ./data); no sidecar is needed, a running one does no harm
  --json             print {"index","size","root","hashes","checkpoint"}

exit codes: 0 · 2 usage · 70 error (no such entry, or the ledger does not fit its checkpoint)`,

  async run(args, io) {
    const { values, positionals } = parseOptions(args, {
      seq: { type: 'string' },
      'data-dir': { type: 'string' },
      json: { type: 'boolean' },
    });
    const faults = new Faults();
    if (positionals.length > 0) faults.add(`unexpected "${positionals[0]}"`);
    if (values.seq === undefined) faults.add('--seq is needed');
    const index = faults.integer('--seq', values.seq, 0, Number.MAX_SAFE_INTEGER);
    faults.throwIfAny();
    if (index === undefined) throw new UsageError('--seq is needed');
    const reader = openLedgerReader(dataDirOf(values['data-dir'], io.env));
    const { size: readable, checkpoint: note } = reader.head();
    const refuse = (why: string): number => {
      io.stderr.write(`pproofs log proof: ${why}\n`);
      return EXIT_ERROR;
    };
    const checkpoint = readCheckpoint(note);
    if (checkpoint === undefined) return refuse('the checkpoint is missing or malformed; run "pproofs log verify"');
    const { size, root } = checkpoint;
    if (size > readable)
      return refuse(`the checkpoint speaks of ${size} entries, but only ${readable} can be read; run "pproofs log verify"`);
    if (index >= size) return refuse(`there is no entry ${index} below the checkpoint: its last one is ${size - 1}`);
    // A proof that leads to another root convinces nobody: better to say so here.
    if (!equalBytes(await reader.rootAt(size), root))
      return refuse('the entries do not give the root of the checkpoint; run "pproofs log verify"');
    const hashes = await reader.inclusionProof(index, size);
    const json = { index, size, root: toHex(root), hashes: hashes.map(toHex), checkpoint: note };
    await writeOut(io.stdout, values.json === true ? `${JSON.stringify(json)}\n` : formatTlogProof({ index, hashes, checkpoint: note }));
    return EXIT_OK;
  },
};

function readCheckpoint(note: string): SignedCheckpoint | undefined {
  try {
    return parseCheckpoint(note);
  } catch (error) {
    if (error instanceof NoteFormatError) return undefined;
    throw error;
  }
}
