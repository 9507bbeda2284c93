import { accessSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { runCommand } from './run-command.ts';

interface AptPackage {
  readonly name: string;
  /** A program that must be in PATH, or an absolute path that must exist. */
  readonly probe: string;
  readonly why: string;
}

/** Real programs that the tests run instead of stand-ins. */
export const APT_PACKAGES: readonly AptPackage[] = [
  { name: 'golang-go', probe: 'go', why: 'independent check of checkpoints and proofs' },
  {
    name: 'golang-golang-x-mod-dev',
    probe: '/usr/share/gocode/src/golang.org/x/mod/sumdb/note/note.go',
    why: 'the signed-note and tlog packages of that check',
  },
  { name: 'strace', probe: 'strace', why: 'injects disk errors into a real sidecar' },
  { name: 'chromium', probe: '/usr/bin/chromium', why: 'opens the timeline page' },
  { name: 'git', probe: 'git', why: 'lists the files that the tidy test reads' },
  { name: 'docker-compose', probe: 'docker-compose', why: 'reads docker-compose.yml (no engine is needed)' },
  { name: 'unzip', probe: 'unzip', why: 'unpacks bundles the way a stranger would' },
  { name: 'openssl', probe: 'openssl', why: 'checks signatures without our code' },
  { name: 'redis-server', probe: 'redis-server', why: 'keeps a checkpoint lock' },
  { name: 'prometheus', probe: 'prometheus', why: 'fires the alerts on the ledger' },
  { name: 'nginx-light', probe: '/usr/sbin/nginx', why: 'asks for each request whether a limit lets it through' },
  { name: 'caddy', probe: 'caddy', why: 'asks the same' },
  { name: 'haproxy', probe: '/usr/sbin/haproxy', why: 'asks the same' },
  { name: 'gcc', probe: 'gcc', why: 'builds the clock that tests set back under a running program' },
  { name: 'libc6-dev', probe: '/usr/include/stdlib.h', why: 'what that is built with' },
  { name: 'python3', probe: 'python3', why: 'recomputes the chain from the format document' },
];

/** What the versions benchmark compares with. Nobody else needs them, so nothing installs them. */
export const BENCH_VERSIONS_PACKAGES: readonly AptPackage[] = [
  { name: 'xdelta3', probe: 'xdelta3', why: 'makes VCDIFF patches (RFC 3284)' },
  { name: 'bsdiff', probe: 'bsdiff', why: 'makes patches by suffix sorting' },
  { name: 'zstd', probe: 'zstd', why: 'compresses with the old content as its dictionary' },
  { name: 'git', probe: 'git', why: 'packs both contents, and has the series of lock files' },
  { name: 'time', probe: '/usr/bin/time', why: 'tells the peak memory of a program' },
];

function isPresent(probe: string, path = process.env.PATH ?? ''): boolean {
  const places = probe.startsWith('/') ? [probe] : path.split(delimiter).map((folder) => join(folder, probe));
  return places.some((place) => {
    try {
      accessSync(place);
      return true;
    } catch {
      return false;
    }
  });
}

export function findMissing(packages: readonly AptPackage[] = APT_PACKAGES, path?: string): readonly AptPackage[] {
  return packages.filter(({ probe }) => !isPresent(probe, path));
}

export function toInstallAdvice(missing: readonly AptPackage[], who = 'the tests'): string {
  const reasons = missing.map(({ name, why }) => `  ${name}: ${why}`).join('\n');
  return `${who} need programs that are not here:\n${reasons}\ninstall them as root:\n  apt-get install ${missing.map(({ name }) => name).join(' ')}`;
}

/** Answers true when everything is there, installing it first where we may (root with apt-get). */
export async function ensureAptPackages(): Promise<boolean> {
  const missing = findMissing();
  if (missing.length === 0) return true;
  if (process.getuid?.() !== 0 || !isPresent('apt-get')) {
    console.error(toInstallAdvice(missing));
    return false;
  }
  const names = missing.map(({ name }) => name);
  console.log(`installing what the tests need: ${names.join(' ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  await runCommand('apt-get', ['-q', 'update'], { env });
  await runCommand('apt-get', ['-q', 'install', '-y', '--no-install-recommends', ...names], { env });
  const still = findMissing();
  if (still.length > 0) console.error(toInstallAdvice(still));
  return still.length === 0;
}
