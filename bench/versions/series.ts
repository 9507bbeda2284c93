import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

/** Versions of a file that people really released, oldest first. */
export interface Series {
  readonly name: string;
  readonly what: string;
  /** None where they cannot be had; the text says why. */
  readonly versions: readonly Uint8Array[];
  readonly missing?: string;
}

const LOCK_FILE = 'package-lock.json';
/** Releases of a package of plain JavaScript, tests and documentation included. */
const RELEASES = ['5.6.0', '5.6.1', '5.6.2', '5.7.0', '5.7.1', '5.7.2', '5.7.3'];
const OUTPUT_BYTES_MAX = 64 * 2 ** 20;

/** This repository's lock file in each commit that changed it. */
export function lockFileSeries(): Series {
  const name = 'lock file';
  const git = (...args: string[]): Buffer =>
    execFileSync('git', args, { maxBuffer: OUTPUT_BYTES_MAX, stdio: ['ignore', 'pipe', 'ignore'] });
  try {
    const commits = git('log', '--reverse', '--format=%H', '--', LOCK_FILE).toString().split('\n').filter(Boolean);
    const versions = commits.map((commit) => git('show', `${commit}:${LOCK_FILE}`));
    return { name, what: `${LOCK_FILE} of this repository, ${versions.length} commits`, versions };
  } catch {
    return { name, what: LOCK_FILE, versions: [], missing: 'this checkout has no git history' };
  }
}

/** Tarballs of an npm package, unpacked to tar. */
export function packageSeries(folder: string): Series {
  const name = 'npm package';
  try {
    const versions = RELEASES.map((release) => {
      execFileSync('npm', ['pack', `fastify@${release}`, '--silent', '--pack-destination', folder], { stdio: 'ignore' });
      const packed = readFileSync(join(folder, `fastify-${release}.tgz`));
      // npm has unpacked some of them on the way already.
      return packed[0] === 0x1f ? gunzipSync(packed) : packed;
    });
    return { name, what: `fastify ${RELEASES[0]} to ${RELEASES[RELEASES.length - 1]} as .tar, ${versions.length} releases`, versions };
  } catch (error) {
    return { name, what: 'fastify', versions: [], missing: `npm pack failed: ${error instanceof Error ? error.message : String(error)}` };
  }
}
