import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { toBase64 } from '../../src/kernel/bytes.ts';
import { leafHash } from '../../src/kernel/hashes.ts';
import { consistencyPath, inclusionPath, subtreeRoot } from '../../src/kernel/merkle.ts';
import { nodeHashes } from '../../src/kernel/node-hashes.ts';

const run = promisify(execFile);
const GO_SOURCES = ['verify-ledger.go', 'served.go'].map((name) => resolve(import.meta.dirname, '../interop/go', name));
const PYTHON_SOURCE = resolve(import.meta.dirname, '../interop/verify_chain.py');
/** A cold build of the standard library on a busy machine. */
const GO_BUILD_TIMEOUT_MS = 240_000;
const RUN_TIMEOUT_MS = 60_000;
/** A million entries over HTTP on a busy machine. */
const SERVED_TIMEOUT_MS = 600_000;

export interface Outcome {
  readonly exitCode: number;
  readonly output: string;
}

/** Builds the Go verifier into `folder`; answers the path of the program. Says what to install when there is no Go. */
export async function buildGoVerifier(folder: string): Promise<string> {
  const program = join(folder, 'verify-ledger');
  // Debian's golang-golang-x-mod-dev puts the sources into /usr/share/gocode; no network, no modules.
  const env = {
    ...process.env,
    GO111MODULE: 'off',
    GOFLAGS: '',
    GOPATH: '/usr/share/gocode',
    GOCACHE: join(folder, 'cache'),
    GOTOOLCHAIN: 'local',
  };
  try {
    await run('go', ['build', '-o', program, ...GO_SOURCES], { env, timeout: GO_BUILD_TIMEOUT_MS });
  } catch (cause) {
    throw new Error('the Go verifier does not build; run: apt-get install golang-go golang-golang-x-mod-dev', { cause });
  }
  return program;
}

/** Where a checked ledger comes from: its leaves, and who can sign an older checkpoint of it. */
export interface InteropLedger {
  readonly dataDir: string;
  readonly leaves: readonly Uint8Array[];
  /** Its heads carry an epoch's signature. */
  readonly isSealing: boolean;
  /** Path below DATA_DIR of the root key of epoch 0. */
  readonly rootKeyFile: string;
  /** Signed checkpoint of the first `size` leaves. */
  signCheckpoint(size: number): Promise<string> | string;
}

/** Inclusion of leaf `index` and consistency from `oldSize`, made by kernel/merkle, in the JSON that the Go verifier reads. */
export async function writeProofs(ledger: InteropLedger, index: number, oldSize: number, path: string): Promise<void> {
  const hashes = ledger.leaves.map((leaf) => leafHash(nodeHashes, leaf));
  const subtree = (from: number, to: number): Uint8Array => subtreeRoot(nodeHashes, (at) => hashes[at], from, to);
  const size = hashes.length;
  const proofs = {
    index,
    inclusion: inclusionPath(subtree, index, size).map(toBase64),
    oldSize,
    oldNote: await ledger.signCheckpoint(oldSize),
    consistency: consistencyPath(subtree, oldSize, size).map(toBase64),
  };
  await writeFile(path, JSON.stringify(proofs));
}

export function runGoVerifier(program: string, dataDir: string, proofsPath: string): Promise<Outcome> {
  return outcomeOf(program, [dataDir, proofsPath]);
}

/** Lets Go fetch the ledger that `url` serves; `oldNotes` are files with older checkpoints of it. */
export function runGoOnServed(program: string, url: string, verifierKey: string, oldNotes: readonly string[]): Promise<Outcome> {
  return outcomeOf(program, ['-served', url, verifierKey, ...oldNotes], SERVED_TIMEOUT_MS);
}

export function runPythonVerifier(dataDir: string): Promise<Outcome> {
  return outcomeOf('python3', [PYTHON_SOURCE, dataDir]);
}

/** All leaves of a ledger on disk, without looking at anything but the frames. */
export async function readLeavesOf(dataDir: string): Promise<Uint8Array[]> {
  const folder = join(dataDir, 'ledger', 'segments');
  const leaves: Uint8Array[] = [];
  for (const name of (await readdir(folder)).toSorted()) {
    const content = await readFile(join(folder, name));
    for (let at = 0; at < content.length; at += 2 + content.readUInt16BE(at))
      leaves.push(content.subarray(at + 2, at + 2 + content.readUInt16BE(at)));
  }
  return leaves;
}

/** A copy of a ledger in which one byte of one file is another. */
export async function copyWithChangedByte(dataDir: string, target: string, file: string, at: number): Promise<void> {
  for (const part of ['ledger/segments', 'ledger', 'keys']) {
    await mkdir(join(target, part), { recursive: true });
    for (const entry of await readdir(join(dataDir, part), { withFileTypes: true })) {
      if (entry.isFile()) await writeFile(join(target, part, entry.name), await readFile(join(dataDir, part, entry.name)));
    }
  }
  const content = await readFile(join(target, file));
  content[at] ^= 0x01;
  await writeFile(join(target, file), content);
}

function outcomeOf(program: string, args: readonly string[], timeout = RUN_TIMEOUT_MS): Promise<Outcome> {
  return new Promise((done, fail) => {
    execFile(program, args, { timeout }, (error, stdout, stderr) => {
      if (error === null) done({ exitCode: 0, output: stdout + stderr });
      else if (typeof error.code === 'number') done({ exitCode: error.code, output: stdout + stderr });
      else fail(new Error(`"${program}" does not run; run: apt-get install python3 golang-go golang-golang-x-mod-dev`, { cause: error }));
    });
  });
}
