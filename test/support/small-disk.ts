import { spawnSync } from 'node:child_process';
import { rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tempDir } from './temp-dir.ts';

export interface SmallDisk extends Disposable {
  readonly path: string;
  /** Leaves room for this many bytes and no more. */
  fill(bytesLeft: number): void;
  /** Gives the room back. */
  free(): void;
}

/** A file system of its own that can really be full: `using disk = smallDisk(bytes)`. */
export function smallDisk(bytes: number): SmallDisk {
  const dir = tempDir();
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', dir.path], { encoding: 'utf8' });
  if (mounted.status !== 0) {
    dir[Symbol.dispose]();
    throw new Error(`this test mounts a small tmpfs, which takes root (in a container: --cap-add SYS_ADMIN): ${mounted.stderr}`);
  }
  const ballast = join(dir.path, 'ballast');
  const free = (): void => rmSync(ballast, { force: true });
  return {
    path: dir.path,
    fill(bytesLeft) {
      free();
      const { bavail, bsize } = statfsSync(dir.path);
      writeFileSync(ballast, Buffer.alloc(Math.max(0, bavail * bsize - bytesLeft)));
    },
    free,
    [Symbol.dispose]() {
      spawnSync('umount', ['--lazy', dir.path]);
      dir[Symbol.dispose]();
    },
  };
}
