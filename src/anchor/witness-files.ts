import { constants, type Stats } from 'node:fs';
import { mkdir, open, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { KeyObject } from 'node:crypto';
import { toHex, utf8 } from '../kernel/bytes.ts';
import { generateEd25519, parsePrivateKeyPem, privateKeyPem } from '../kernel/ed25519.ts';
import { nodeHashes } from '../kernel/node-hashes.ts';
import { formatCheckpointText, NoteFormatError, parseCheckpointText, type Checkpoint } from '../kernel/note.ts';
import { AnchorError } from './anchor-error.ts';

/** Lists of logs and witnesses, keys, checkpoints: all far smaller. */
const FILE_BYTES_MAX = 1024 * 1024;

/** What a witness keeps between two lives, and what its peers gave. The only place of the anchors, beside the lock, that touches the disk. */
export interface WitnessFiles {
  /** The latest checkpoint cosigned for that origin; undefined: none yet. Throws AnchorError `io` when what is there is no such thing. */
  readLatest(origin: string): Promise<Checkpoint | undefined>;
  /** Durable when it resolves: only then may the cosignature leave. Killed in between: the old or the new record stands. */
  replaceLatest(checkpoint: Checkpoint): Promise<void>;
  /** Our own checkpoint with the cosignatures of others, for `log verify --anchor`. */
  replaceWitnessed(note: string): Promise<void>;
}

export function witnessFiles(dataDir: string): WitnessFiles {
  const dir = join(dataDir, 'witness');
  const pathOf = (origin: string): string => join(dir, toHex(nodeHashes.sha256(utf8(origin))));
  return {
    async readLatest(origin) {
      const path = pathOf(origin);
      const text = await readIfPresent(path);
      if (text === undefined) return undefined;
      const latest = tryParse(text);
      if (latest?.origin === origin) return latest;
      throw new AnchorError('io', `${path} is not the record of a checkpoint of "${origin}"; nothing of that log is cosigned without it`);
    },
    async replaceLatest(checkpoint) {
      await mkdir(dir, { recursive: true, mode: 0o700 });
      await replaceDurably(pathOf(checkpoint.origin), formatCheckpointText(checkpoint), 0o600);
    },
    replaceWitnessed: (note) => replaceDurably(join(dataDir, 'witnessed.checkpoint'), note, 0o644),
  };
}

function tryParse(text: string): Checkpoint | undefined {
  try {
    return parseCheckpointText(text);
  } catch (error) {
    if (error instanceof NoteFormatError) return undefined;
    throw error;
  }
}

/** KEYS_DIR/witness.key, made on first use with mode 0600. Throws AnchorError `bad-key`. */
export async function openWitnessKey(keysDir: string): Promise<KeyObject> {
  const path = join(keysDir, 'witness.key');
  await mkdir(keysDir, { recursive: true, mode: 0o700 });
  let mode = await modeOf(path);
  if (mode === undefined) {
    await replaceDurably(path, privateKeyPem(generateEd25519()), 0o600);
    mode = await modeOf(path);
  }
  if (((mode ?? 0) & 0o077) !== 0) throw new AnchorError('bad-key', `${path} is readable or writable by others; run: chmod 600 ${path}`);
  try {
    return parsePrivateKeyPem((await readIfPresent(path)) ?? '');
  } catch (cause) {
    throw new AnchorError('bad-key', `${path} is not an Ed25519 private key in PEM form`, { cause });
  }
}

/** A list that a setting names. Throws AnchorError `bad-config`. */
export async function readList(path: string): Promise<string> {
  let text: string | undefined;
  try {
    text = await readIfPresent(path);
  } catch (cause) {
    throw new AnchorError('bad-config', `"${path}" cannot be read`, { cause });
  }
  if (text === undefined) throw new AnchorError('bad-config', `"${path}" does not exist`);
  return text;
}

/** True when both lie on one device: then a thief of the disk, or a rollback of its image, takes both. Undefined when that cannot be told. */
export async function isSameDevice(first: string, second: string): Promise<boolean | undefined> {
  const [a, b] = await Promise.all([nearest(first), nearest(second)]);
  return a === undefined || b === undefined ? undefined : a.dev === b.dev;
}

/** The folder, or the closest one above that is there. */
async function nearest(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch {
    return dirname(path) === path ? undefined : nearest(dirname(path));
  }
}

async function modeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).mode;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function readIfPresent(path: string): Promise<string | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  try {
    const { size } = await file.stat();
    if (size > FILE_BYTES_MAX) throw new AnchorError('io', `${path} is too long for what it should be`);
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

async function replaceDurably(path: string, content: string, mode: number): Promise<void> {
  const temporary = `${path}.tmp`;
  await rm(temporary, { force: true });
  const file = await open(temporary, 'wx', mode);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  const folder = await open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
