import { createRequire } from 'node:module';

/** The package's description lies two folders up in the source and in the built package alike. */
const description: unknown = createRequire(import.meta.url)('../../package.json');

/** Version of this package, as the manifest names it. */
export function toolVersion(): string {
  const isPackage = typeof description === 'object' && description !== null && 'version' in description;
  if (!isPackage || typeof description.version !== 'string') throw new Error('package.json has no version');
  return description.version;
}
