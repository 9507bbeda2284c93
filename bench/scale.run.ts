/**
 * `node bench/scale.run.ts [--gib 1] [--dir FOLDER] [--archive]`: fills a ledger with that many GiB of segments, then measures how long a
 * start takes and what memory it needs, in a process of its own each time: with the segment indexes, without one of them, and (up to 2 GiB)
 * without any. With --archive also how fast it is archived to a folder, and what that costs ingest. The folder is removed afterwards.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Archiver } from '../src/archive/archiver.ts';
import { BackgroundArchiver } from '../src/archive/background-archiver.ts';
import { DirectoryStore } from '../src/archive/directory-store.ts';
import { parseEvents } from '../src/ingest/parse-events.ts';
import { openLedger, type OpenedLedger } from '../src/ledger/open-ledger.ts';
import { ndjsonBody } from './measure.ts';

const GIB = 1024 ** 3;
const BATCH_EVENTS = 1000;
const IN_FLIGHT = 40;
const STARTS = 3;
/** Reading everything takes minutes for more. */
const FULL_READ_GIB_MAX = 2;

const { values } = parseArgs({
  options: {
    gib: { type: 'string', default: '1' },
    dir: { type: 'string', default: tmpdir() },
    archive: { type: 'boolean', default: false },
    open: { type: 'string' },
  },
});

if (values.open === undefined) await measure(Number(values.gib));
else await openOnce(values.open);

async function measure(gib: number): Promise<void> {
  const dataDir = mkdtempSync(join(values.dir, 'proofs-scale-'));
  try {
    const filled = await fill(dataDir, gib * GIB);
    console.log('filled', filled);
    for (let i = 0; i < STARTS; i++) console.log('start', startOf(dataDir));
    const indexes = join(dataDir, 'ledger/index');
    const [oldest] = readdirSync(indexes).toSorted();
    rmSync(join(indexes, oldest));
    console.log('start without one index', startOf(dataDir));
    if (gib <= FULL_READ_GIB_MAX) {
      rmSync(indexes, { recursive: true });
      console.log('start without any index', startOf(dataDir));
    }
    if (values.archive) await measureArchive(dataDir);
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function fill(dataDir: string, bytesWanted: number) {
  const ledger = await openLedger({ dataDir });
  const startMs = performance.now();
  let bytes = 0;
  ledger.events.on('committed', (commit) => (bytes += commit.bytes));
  await append(ledger, () => bytes < bytesWanted);
  const seconds = (performance.now() - startMs) / 1000;
  const { size } = ledger.head();
  await ledger.close();
  return { entries: size, bytes, seconds: Math.round(seconds), entriesPerS: Math.round(size / seconds) };
}

async function append(ledger: OpenedLedger, goesOn: () => boolean): Promise<void> {
  const body = Buffer.from(ndjsonBody(BATCH_EVENTS, 200));
  const inFlight = new Set<Promise<unknown>>();
  while (goesOn()) {
    const one = ledger.append({ events: parseEvents(body, 'ndjson', { onInvalid: 'reject' }).batch }).finally(() => inFlight.delete(one));
    inFlight.add(one);
    if (inFlight.size >= IN_FLIGHT) await Promise.race(inFlight);
  }
  await Promise.all(inFlight);
}

/** The figures of one start, by a process that does nothing else. */
function startOf(dataDir: string): unknown {
  const { status, stdout, stderr } = spawnSync(process.execPath, [import.meta.filename, '--open', dataDir], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`the start failed: ${stderr}`);
  return JSON.parse(stdout);
}

async function openOnce(dataDir: string): Promise<void> {
  const startMs = performance.now();
  const ledger = await openLedger({ dataDir });
  const ms = Math.round(performance.now() - startMs);
  const rssMib = Math.round(process.memoryUsage.rss() / 1024 ** 2);
  const { user, system } = process.cpuUsage();
  const cpuMs = Math.round((user + system) / 1000);
  const { walkedFrom, indexFault } = ledger.start;
  console.log(JSON.stringify({ ms, cpuMs, rssMib, entries: ledger.head().size, walkedFrom, indexFault }));
  await ledger.close();
}

async function measureArchive(dataDir: string): Promise<void> {
  const archiveDir = mkdtempSync(join(values.dir, 'proofs-scale-archive-'));
  const ledger = await openLedger({ dataDir });
  try {
    const seconds = 20;
    const ratePerS = async (): Promise<number> => {
      const [from, untilMs] = [ledger.head().size, performance.now() + seconds * 1000];
      await append(ledger, () => performance.now() < untilMs);
      return Math.round((ledger.head().size - from) / seconds);
    };
    const alone = await ratePerS();
    const archiver = new Archiver(ledger, new DirectoryStore(archiveDir));
    const background = new BackgroundArchiver(archiver, { archived: () => undefined, failed: (error) => console.log(error) });
    const beside = await ratePerS();
    await background.stop();
    const startMs = performance.now();
    const from = archiver.size ?? 0;
    const bytes = readdirSync(join(dataDir, 'ledger/segments')).reduce(
      (sum, name) => sum + statSync(join(dataDir, 'ledger/segments', name)).size,
      0,
    );
    while (performance.now() - startMs < seconds * 1000 && (await archiver.archiveSegment(new AbortController().signal)));
    const leaves = (archiver.size ?? 0) - from;
    const perS = (leaves * 1000) / (performance.now() - startMs);
    const mbPerS = Math.round((perS * bytes) / ledger.head().size / 1e6);
    console.log('archive', {
      ingestAlonePerS: alone,
      ingestBesideArchivingPerS: beside,
      archivedBesidePerS: Math.round(from / seconds),
      archivedAlonePerS: Math.round(perS),
      mbPerS,
    });
  } finally {
    await ledger.close();
    rmSync(archiveDir, { recursive: true, force: true });
  }
}
