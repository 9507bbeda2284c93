import { Archiver } from '../archive/archiver.ts';
import { openArchiveStore } from '../archive/open-archive.ts';
import { parseConfig, type Config } from '../config/config.ts';
import { readSecrets } from '../config/secrets.ts';
import { openArchiveSource, type ArchiveSourceAtRest } from '../ledger/open-archive-source.ts';
import { EXIT_OK, UsageError, type Command, type CommandIo } from './command.ts';
import { parseOptions } from './options.ts';
import { createProgressBar } from './progress-bar.ts';
import { writeOut } from './write-out.ts';

export const logArchive: Command = {
  name: 'log archive',
  summary: 'copy the full segments of a ledger on disk to an archive',
  usage: `usage: pproofs log archive [OPTIONS]

Does what a sidecar with PROOFS_ARCHIVE does in the background, for a ledger whose sidecar is stopped: uploads full segments in the
layout of c2sp.org/tlog-tiles, with a checkpoint signed by the log key. Goes on where an earlier run stopped. "pproofs log verify
--archive" checks the result.

options:
  --archive WHERE  a folder, or s3://BUCKET/PREFIX with PROOFS_S3_KEY_FILE and, unless it is Amazon, PROOFS_S3_ENDPOINT (PROOFS_ARCHIVE)
  --data-dir DIR   the ledger's directory (PROOFS_DATA_DIR, otherwise ./data)
  --keys-dir DIR   where log.key is (PROOFS_KEYS_DIR, otherwise DATA_DIR/keys)
  --json           print {"archive","from","size","objects","bytes"}

exit codes: 0 · 2 usage · 31 the ledger is not what its checkpoint says · 32 the archive is not an earlier state of it · 70 error`,

  async run(args, io) {
    const { values, positionals } = parseOptions(args, {
      archive: { type: 'string' },
      'data-dir': { type: 'string' },
      'keys-dir': { type: 'string' },
      json: { type: 'boolean' },
    });
    if (positionals.length > 0) throw new UsageError(`unexpected "${positionals[0]}"`);
    const config = parseConfig({
      ...io.env,
      PROOFS_ARCHIVE: values.archive ?? io.env.PROOFS_ARCHIVE,
      PROOFS_DATA_DIR: values['data-dir'] ?? io.env.PROOFS_DATA_DIR,
      PROOFS_KEYS_DIR: values['keys-dir'] ?? io.env.PROOFS_KEYS_DIR,
    });
    const opened = openArchiveStore(config.archive, readSecrets(config).s3, io.signal);
    if (opened === undefined) throw new UsageError('name the archive: --archive FOLDER, --archive s3://BUCKET/PREFIX or PROOFS_ARCHIVE');
    using source = await openArchiveSource(config.dataDir, config.keysDir);
    const report = await archiveAll(source, opened, config, io);
    await writeOut(io.stdout, values.json === true ? `${JSON.stringify(report)}\n` : describe(report));
    return EXIT_OK;
  },
};

interface Report {
  readonly archive: string;
  /** Leaves in the archive before, and now. */
  readonly from: number;
  readonly size: number;
  readonly objects: number;
  readonly bytes: number;
}

async function archiveAll(
  source: ArchiveSourceAtRest,
  { store, uploadsMax }: NonNullable<ReturnType<typeof openArchiveStore>>,
  config: Config,
  io: CommandIo,
): Promise<Report> {
  const done = { objects: 0, bytes: 0, entryBytes: 0 };
  const bar = createProgressBar(io.stderr, io.isTerminal, config.dataDir, undefined, 'objects');
  let total = 0;
  const onUploaded = ({ key, bytes }: { readonly key: string; readonly bytes: number }): void => {
    done.objects++;
    done.bytes += bytes;
    if (key.includes('/tile/entries/')) done.entryBytes += bytes;
    bar.update(done.entryBytes, total, done.objects);
  };
  const archiver = new Archiver(source, store, { uploadsMax, onUploaded });
  try {
    const from = await archiver.open();
    total = source.sealedBytes(from);
    while (await archiver.archiveSegment(io.signal));
    return { archive: archiver.location, from, size: archiver.size ?? from, objects: done.objects, bytes: done.bytes };
  } finally {
    bar.finish();
  }
}

function describe({ archive, from, size, objects, bytes }: Report): string {
  const count = (value: number): string => value.toLocaleString('en-US');
  const now =
    size === from ? 'nothing was left to archive' : `${count(size - from)} of them now, ${count(objects)} objects, ${count(bytes)} bytes`;
  return `${count(size)} entries are archived in ${archive}: ${now}\n`;
}
