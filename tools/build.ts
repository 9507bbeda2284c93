/** `npm run build`: src/ → dist/, the JavaScript of the published package and of the image. */
import { chmodSync, globSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from './run-command.ts';

/** The compiler rewrites import specifiers only; a worker started from `new URL('./x.ts', import.meta.url)` would not be found in dist. */
const TYPESCRIPT_URL = /new URL\(\s*['"`][^'"`]*\.ts['"`]/;

async function main(): Promise<number> {
  rmSync('dist', { recursive: true, force: true });
  const tsc = join(import.meta.dirname, '../node_modules/@typescript/native/bin/tsc');
  if ((await runCommand(process.execPath, [tsc, '-p', 'tsconfig.build.json'])) !== 0) return 1;
  const broken = globSync('dist/**/*.js').filter((file) => TYPESCRIPT_URL.test(readFileSync(file, 'utf8')));
  for (const file of broken) console.error(`"${file}" opens a .ts file that is not in dist`);
  for (const file of ['dist/main.js', ...globSync('dist/bin/*.js')]) chmodSync(file, 0o755);
  return broken.length === 0 ? 0 : 1;
}

process.exitCode = await main();
