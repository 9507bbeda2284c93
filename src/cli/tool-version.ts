import { readFileSync } from 'node:fs';

/** Version of the installed package. The file lies two folders up in the source and in the built package alike. */
export function toolVersion(): string {
  const description: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  const isPackage = typeof description === 'object' && description !== null && 'version' in description;
  if (!isPackage || typeof description.version !== 'string') throw new Error('package.json has no version');
  return description.version;
}
