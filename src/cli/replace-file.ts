import { link, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { randomBytes } from 'node:crypto';

export async function fileExists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
    throw error;
  }
}

/**
 * Writes the whole file or nothing: beside its place, synced, then moved there. False when something is there already and must
 * stay. A crash leaves at most a file whose name begins with a dot.
 */
export async function replaceFile(path: string, content: Uint8Array, mayReplace: boolean): Promise<boolean> {
  const beside = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`);
  try {
    const file = await open(beside, 'wx', 0o644);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    if (mayReplace) await rename(beside, path);
    // A link refuses to replace, where a check followed by a rename would race.
    else await link(beside, path);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST' && !mayReplace) return false;
    throw error;
  } finally {
    await rm(beside, { force: true });
  }
}
