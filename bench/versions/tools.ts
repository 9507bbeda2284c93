import { buildSync } from 'esbuild';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Made {
  /** Of the patch, or what is added to a repository. */
  readonly bytes: number;
  readonly seconds: number;
  /** The most memory that its process held. */
  readonly peakMiB: number;
}

export interface Tool {
  readonly name: string;
  /** True when one patch leads there and back. */
  readonly isTwoWay: boolean;
  /** `folder`: for what it writes. */
  run(folder: string, old: string, next: string): Made;
}

/** As it is shipped: stripping the types would count for 40 MiB. */
function builtOwn(folder: string): string {
  const outfile = join(folder, 'own.mjs');
  if (!existsSync(outfile)) {
    const source = fileURLToPath(new URL('own.run.ts', import.meta.url));
    buildSync({ entryPoints: [source], outfile, bundle: true, platform: 'node', format: 'esm', logLevel: 'error' });
  }
  return outfile;
}

export const OURS: Tool = {
  name: 'ours',
  isTwoWay: true,
  run(folder, old, next) {
    const out = execFileSync(process.execPath, [builtOwn(folder), old, next, join(folder, 'patch')], { encoding: 'utf8' });
    return JSON.parse(out) as Made;
  },
};

export const PEERS: readonly Tool[] = [
  {
    name: 'zstd -19 --patch-from',
    isTwoWay: false,
    run: (folder, old, next) =>
      timed(join(folder, 'zstd'), 'zstd', ['-q', '-19', '--long=27', '-f', `--patch-from=${old}`, next, '-o', join(folder, 'zstd')]),
  },
  {
    name: 'xdelta3 -9',
    isTwoWay: false,
    run: (folder, old, next) =>
      timed(join(folder, 'xdelta'), 'xdelta3', ['-e', '-9', '-S', 'djw', '-f', '-s', old, next, join(folder, 'xdelta')]),
  },
  {
    name: 'bsdiff',
    isTwoWay: false,
    run: (folder, old, next) => timed(join(folder, 'bsdiff'), 'bsdiff', [old, next, join(folder, 'bsdiff')]),
  },
  { name: 'git pack', isTwoWay: false, run: gitPack },
];

/** Runs a program by GNU time; `made`: the file that it writes. */
function timed(made: string, program: string, args: readonly string[], input?: string): Made {
  const figures = `${made}.time`;
  const startMs = performance.now();
  const { status, stderr } = spawnSync('/usr/bin/time', ['-f', '%M', '-o', figures, program, ...args], { input, encoding: 'utf8' });
  const seconds = (performance.now() - startMs) / 1000;
  if (status !== 0) throw new Error(`${program} failed: ${stderr}`);
  return { bytes: statSync(made).size, seconds, peakMiB: Number(readFileSync(figures, 'utf8')) / 1024 };
}

/** What the new content adds to a pack that has the old one. Its smallest direction: git takes the larger content as the base. */
function gitPack(folder: string, old: string, next: string): Made {
  const repository = mkdtempSync(join(folder, 'git-'));
  const git = (...args: string[]): string => execFileSync('git', ['-C', repository, ...args], { encoding: 'utf8' }).trim();
  git('init', '-q');
  const [oldId, nextId] = [old, next].map((path) => git('hash-object', '-w', path));
  const pack = (name: string, ids: readonly string[]): Made => {
    const made = join(repository, name);
    const command = `exec git -C "$0" pack-objects -q --stdout > "$1"`;
    return timed(made, 'sh', ['-c', command, repository, made], ids.map((id) => `${id} content\n`).join(''));
  };
  const alone = pack('alone', [oldId]);
  const both = pack('both', [oldId, nextId]);
  rmSync(repository, { recursive: true });
  return { ...both, bytes: both.bytes - alone.bytes };
}
