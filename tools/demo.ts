/**
 * `npm run demo [-- FILE] [--seed N]`: the whole story on real parts. A sidecar takes a log, hands out an evidence bundle, a verifier
 * checks it, then one byte is changed in a copy and the verifier names the entry. Ends with 1 as soon as anything surprises.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { cpSync, createWriteStream, existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { readU16 } from '../src/kernel/bytes.ts';
import { FRAME_PREFIX_BYTES, LEAF_HEADER_BYTES, LEAF_TYPES, parseLeaf } from '../src/kernel/leaf.ts';
import { toSafeText } from '../src/cli/safe-text.ts';
import { generateIncident } from './demo-incident.ts';

const MAIN = new URL('../src/main.ts', import.meta.url).pathname;
const START_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 15_000;
const OUTPUT_CHARS_MAX = 16 * 1024 * 1024;
/** Verdict TAMPERED, docs/verify.md. */
const EXIT_TAMPERED = 31;

interface Finished {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

class Surprise extends Error {}

let step = 0;
function say(text: string): void {
  process.stdout.write(`\n${++step}. ${text}\n`);
}

function show(text: string): void {
  process.stdout.write(text.trimEnd().replace(/^/gm, '   ').concat('\n'));
}

/** Runs one command line of the product, as a person would, and insists on its exit code. */
async function pproofs(args: readonly string[], expectedCode = 0): Promise<Finished> {
  show(`$ pproofs ${args.map((arg) => (/^[\w./:=-]+$/.test(arg) ? arg : `'${arg}'`)).join(' ')}`);
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const texts = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (texts.out = (texts.out + chunk).slice(0, OUTPUT_CHARS_MAX)));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (texts.err = (texts.err + chunk).slice(0, OUTPUT_CHARS_MAX)));
  const code = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exit) => resolve(exit ?? -1));
  });
  if (code !== expectedCode) throw new Surprise(`exit code ${code}, expected ${expectedCode}\n${texts.out}${texts.err}`);
  return { code, ...texts };
}

/** Starts `pproofs serve` on a free port; its log goes to a file. */
async function startSidecar(dataDir: string, logFile: string): Promise<{ child: ChildProcess; url: string }> {
  const env = {
    ...process.env,
    PROOFS_PORT: '0',
    PROOFS_HOST: '127.0.0.1',
    PROOFS_DATA_DIR: dataDir,
    PROOFS_ANCHOR_DIR: join(dataDir, '..', 'anchors'),
  };
  const child = spawn(process.execPath, [MAIN, 'serve'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  child.stderr.pipe(createWriteStream(logFile));
  const url = await new Promise<string>((resolve, reject) => {
    let out = '';
    const timer = setTimeout(
      () => reject(new Surprise(`the sidecar did not start within ${START_TIMEOUT_MS / 1000} s; see ${logFile}`)),
      START_TIMEOUT_MS,
    );
    child.once('error', reject);
    child.once('close', (code) =>
      reject(new Surprise(`the sidecar ended with ${code} instead of starting:\n${readFileSync(logFile, 'utf8')}`)),
    );
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      out += chunk;
      const address = /https?:\/\/\S+/.exec(out)?.[0];
      if (address !== undefined && out.includes('\n')) {
        clearTimeout(timer);
        resolve(address);
      }
    });
  });
  return { child, url };
}

async function stopSidecar(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) throw new Surprise('the sidecar ended on its own');
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  child.kill('SIGTERM');
  const code = await ended;
  clearTimeout(timer);
  if (code !== 0) throw new Surprise(`the sidecar ended with ${code}, expected 0`);
}

interface FlippedByte {
  readonly seq: number;
  readonly file: string;
  readonly offset: number;
  readonly message: string;
}

/** Flips the lowest bit of a letter in the message of the event in the middle of the ledger's first segment. */
function flipOneByte(dataDir: string): FlippedByte {
  const segments = join(dataDir, 'ledger/segments');
  const file = join(segments, readdirSync(segments).toSorted()[0]);
  const bytes = readFileSync(file);
  const events: { seq: number; payloadAt: number; payload: Buffer }[] = [];
  for (let at = 0; at + FRAME_PREFIX_BYTES <= bytes.length;) {
    const length = readU16(bytes, at);
    const leaf = parseLeaf(bytes.subarray(at + FRAME_PREFIX_BYTES, at + FRAME_PREFIX_BYTES + length));
    const payloadAt = at + FRAME_PREFIX_BYTES + LEAF_HEADER_BYTES + (leaf.requestTag?.length ?? 0);
    if (leaf.type === LEAF_TYPES.event) events.push({ seq: leaf.seq, payloadAt, payload: Buffer.from(leaf.payload) });
    at += FRAME_PREFIX_BYTES + length;
  }
  const { seq, payloadAt, payload } = events[Math.floor(events.length / 2)];
  const field = '"message":"';
  const offset = payloadAt + payload.indexOf(field) + field.length;
  bytes[offset] ^= 1;
  writeFileSync(file, bytes);
  return { seq, file, offset, message: String((JSON.parse(payload.toString('utf8')) as { message: unknown }).message) };
}

interface VerifyReport {
  readonly verdict: string;
  readonly findings: readonly { readonly verdict: string; readonly place: { readonly seqFirst?: number; readonly seqLast?: number } }[];
}

function assertNames(report: VerifyReport, seq: number): void {
  const tampered = report.findings.filter((finding) => finding.verdict === 'TAMPERED' && finding.place.seqFirst !== undefined);
  const isNamed = tampered.some(({ place }) => place.seqFirst === seq && (place.seqLast ?? seq) === seq);
  if (report.verdict !== 'TAMPERED' || !isNamed)
    throw new Surprise(`the verifier does not name entry ${seq}: ${JSON.stringify(report.findings)}`);
}

async function tellTheStory(work: string, logFile: string): Promise<void> {
  const [dataDir, bundle, timeline] = [join(work, 'data'), join(work, 'incident.zip'), join(work, 'timeline.html')];
  const anchor = join(work, 'kept-checkpoint');
  say('A sidecar starts with an empty ledger; it makes its own keys.');
  const { child, url } = await startSidecar(dataDir, join(work, 'sidecar.log'));
  try {
    show(`it listens on ${url}; data in ${dataDir}`);
    say(`The log file ${basename(logFile)} is sent to it. Each line is on the disk before it is acknowledged.`);
    show((await pproofs(['import', logFile, '--url', url])).out);

    say('The responder asks for everything the ledger received in the last 24 hours: one ZIP.');
    show((await pproofs(['bundle', 'build', '--window', '24h', '--output', bundle, '--url', url])).out);

    say('A stranger checks the ZIP, without the sidecar and without a secret.');
    show((await pproofs(['bundle', 'verify', bundle, '--allow-unanchored'])).out);
    await extractTimeline(bundle, work);
    if (!existsSync(timeline)) throw new Surprise('the bundle holds no timeline.html');

    say('Somebody keeps the latest checkpoint elsewhere: an anchor against a rollback.');
    await keepCheckpoint(url, anchor);
    show(`${anchor}\n${readFileSync(anchor, 'utf8')}`);
  } finally {
    await stopSidecar(child);
  }
  say('The sidecar has stopped. The ledger on its disk is checked with its root key, that anchor and the checkpoint lock.');
  const anchors = ['--anchor', anchor, '--anchor', checkpointLock(work)];
  show((await pproofs(['log', 'verify', '--data-dir', dataDir, ...anchors])).out);

  const copy = join(work, 'tampered-copy');
  cpSync(dataDir, copy, { recursive: true });
  const flipped = flipOneByte(copy);
  say(
    `Somebody changes one bit in a copy: entry ${flipped.seq} ("${toSafeText(flipped.message.slice(0, 60))}"), byte ${flipped.offset} of ${basename(flipped.file)}.`,
  );
  const found = await pproofs(['log', 'verify', '--data-dir', copy, ...anchors], EXIT_TAMPERED);
  show(found.out);
  const verify = await pproofs(['log', 'verify', '--data-dir', copy, '--json'], EXIT_TAMPERED);
  assertNames(JSON.parse(verify.out) as VerifyReport, flipped.seq);
  show(`the verifier names entry ${flipped.seq}, and nothing else`);

  process.stdout.write(
    `\nAll of this is kept in ${work}\n   timeline  ${timeline}   (open it in a browser)\n   bundle    ${bundle}\n   log       ${logFile}\n`,
  );
}

/** The last checkpoint that the sidecar made public, kept beside its data folder. */
function checkpointLock(work: string): string {
  const anchors = join(work, 'anchors');
  const name = readdirSync(anchors).find((file) => file.endsWith('.checkpoint'));
  if (name === undefined) throw new Surprise(`no checkpoint lock in ${anchors}`);
  return join(anchors, name);
}

async function keepCheckpoint(url: string, file: string): Promise<void> {
  const response = await fetch(`${url}/checkpoint`);
  if (response.status !== 200) throw new Surprise(`GET /checkpoint answered ${response.status}`);
  writeFileSync(file, await response.text());
}

/** The timeline is an ordinary file of an ordinary ZIP. */
async function extractTimeline(bundle: string, into: string): Promise<void> {
  const code = await new Promise<number>((resolve, reject) => {
    const child = spawn('unzip', ['-o', '-q', bundle, 'timeline.html', '-d', into], { stdio: ['ignore', 'inherit', 'inherit'] });
    child.once('error', (cause) => reject(new Surprise('unzip is needed; run: apt-get install unzip', { cause })));
    child.once('close', (exit) => resolve(exit ?? -1));
  });
  if (code !== 0) throw new Surprise(`unzip ended with ${code}`);
}

const DEFAULT_SEED = 42;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: { seed: { type: 'string', default: String(DEFAULT_SEED) } },
    allowPositionals: true,
  });
  const work = mkdtempSync(join(tmpdir(), 'pproofs-demo-'));
  let logFile = positionals[0];
  if (logFile === undefined) {
    logFile = join(work, 'incident.log');
    writeFileSync(logFile, generateIncident(Number(values.seed)));
    process.stdout.write(`No file given: a made-up incident (seed ${values.seed}) is written to ${logFile}\n`);
  }
  try {
    await tellTheStory(work, logFile);
    return 0;
  } catch (error) {
    if (!(error instanceof Surprise)) throw error;
    process.stderr.write(`\nThis was not expected: ${error.message}\nEverything so far is in ${work}\n`);
    return 1;
  }
}

process.exitCode = await main();
