import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
let main: string | undefined;

/** Path of dist/main.js, built now: what is shipped, and what starts in half the time of the sources. */
export function builtMain(): string {
  if (main === undefined) {
    const { status } = spawnSync(process.execPath, ['tools/build.ts'], { stdio: 'inherit', cwd: ROOT });
    if (status !== 0) throw new Error('the build failed');
    main = `${ROOT}dist/main.js`;
  }
  return main;
}
