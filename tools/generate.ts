/** `npm run generate` writes the generated files in place; `-- --check` changes nothing and fails when one is stale. */
import { findStale, generateFiles, writeGenerated } from './generated-files.ts';
import { GENERATORS } from './generators.ts';

const root = process.cwd();
const files = await generateFiles(GENERATORS, root);
const stale = findStale(files, root);
if (!process.argv.includes('--check')) {
  writeGenerated(files, root);
  console.log(`${files.size} generated files, ${stale.length} changed`);
} else if (stale.length > 0) {
  for (const path of stale) console.error(`stale: ${path} (run: npm run generate)`);
  process.exitCode = 1;
} else {
  console.log(`${files.size} generated files are what their generators write`);
}
