import { createHash, randomBytes } from 'node:crypto';
import { open, readdir, realpath, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** Of a file that was not there before. */
const NEW_FILE_MODE = 0o644;
const MODE_BITS = 0o7777;
/** What no longer grows was left by a process that died. */
const LEFT_MS = 10 * 60_000;

class WrongContentError extends Error {}

/**
 * Puts the content in the place of the file, or leaves the file as it is: written beside it, its hash checked, synced, then moved there.
 * A crash at any moment leaves the old content or the new one, and at most a file beside it whose name begins with a dot. Mode and owner
 * stay; a link keeps leading to the file, which is replaced where it lies.
 */
export async function installFile(
  path: string,
  chunks: AsyncIterable<Uint8Array>,
  expected: { readonly sha256: string; readonly bytes: number },
): Promise<void> {
  const target = await targetOf(path);
  const beside = join(dirname(target), `.${basename(target)}.${randomBytes(6).toString('hex')}.tmp`);
  // Nobody else's until it is whole: the content may be a secret.
  const file = await open(beside, 'wx', 0o600);
  try {
    try {
      await writeChecked(file, chunks, expected);
      await likeBefore(file, target);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, target);
    await syncFolder(dirname(target));
  } finally {
    await rm(beside, { force: true });
  }
}

async function writeChecked(
  file: FileHandle,
  chunks: AsyncIterable<Uint8Array>,
  { sha256, bytes }: { readonly sha256: string; readonly bytes: number },
): Promise<void> {
  const hash = createHash('sha256');
  let written = 0;
  for await (const chunk of chunks) {
    written += chunk.length;
    if (written > bytes) break;
    hash.update(chunk);
    await file.writeFile(chunk);
  }
  const digest = hash.digest('hex');
  if (written !== bytes || digest !== sha256)
    throw new WrongContentError(
      `${written} bytes with the hash ${digest} came instead of ${bytes} with ${sha256}: the file was left as it is`,
    );
}

async function likeBefore(file: FileHandle, target: string): Promise<void> {
  const before = await stat(target).catch(ignoreMissing);
  await file.chmod(before === undefined ? NEW_FILE_MODE : before.mode & MODE_BITS);
  if (before === undefined) return;
  const now = await file.stat();
  if (now.uid === before.uid && now.gid === before.gid) return;
  // Whoever may not give files away keeps the new one, as every editor does.
  await file.chown(before.uid, before.gid).catch(() => undefined);
  // Changing the owner takes special bits away.
  await file.chmod(before.mode & MODE_BITS);
}

/** SHA-256 of the file, undefined when there is none. */
export async function hashFile(path: string): Promise<string | undefined> {
  const file = await open(path, 'r').catch(ignoreMissing);
  if (file === undefined) return undefined;
  const hash = createHash('sha256');
  for await (const chunk of file.createReadStream()) hash.update(chunk as Uint8Array);
  return hash.digest('hex');
}

/** Removes what a process that was killed while it wrote left beside the file. */
export async function removeLeftovers(path: string): Promise<void> {
  const target = await targetOf(path);
  const folder = dirname(target);
  for (const name of await readdir(folder)) {
    const isOurs = name.startsWith(`.${basename(target)}.`) && /^\.[0-9a-f]{12}\.tmp$/.test(name.slice(basename(target).length + 1));
    if (!isOurs) continue;
    const found = await stat(join(folder, name)).catch(ignoreMissing);
    if (found !== undefined && Date.now() - found.mtimeMs > LEFT_MS) await rm(join(folder, name), { force: true });
  }
}

async function targetOf(path: string): Promise<string> {
  return (await realpath(path).catch(ignoreMissing)) ?? path;
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function ignoreMissing(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
  throw error;
}
