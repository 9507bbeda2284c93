import { globSync } from 'node:fs';

/** The four claims a user may want to see tested on their own, each as globs over test files. */
export const TEST_CATEGORIES: Readonly<Record<string, readonly string[]>> = {
  logging: [
    'test/**/*{anchor,chain,cosignature,event,http,import,ingest,interop,json,keygen,kernel,leaf,ledger,log,merkle,note,receipt,sidecar,verify,watermark,witness,writer}*.test.ts',
  ],
  'rate-limiting': ['test/**/*{limiter,ratelimit,rate-limit}*.test.ts'],
  'version-control': ['test/**/*{version,patch,rollback}*.test.ts'],
  'bundle-generation': ['test/**/*{bundle,timeline}*.test.ts'],
};

/** Test files of a category, sorted. Throws when the category is unknown or has no tests yet: neither may pass for green. */
export function findCategoryTests(category: string, cwd = process.cwd()): readonly string[] {
  const globs = TEST_CATEGORIES[category];
  if (globs === undefined) throw new Error(`unknown category "${category}"; known: ${Object.keys(TEST_CATEGORIES).join(', ')}`);
  const files = [...new Set(globs.flatMap((glob) => globSync(glob, { cwd })))].filter((file) => !file.startsWith('test/gates/')).toSorted();
  if (files.length === 0) throw new Error(`category "${category}" has no tests yet, so nothing was checked`);
  return files;
}
