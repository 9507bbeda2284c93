import { createHash } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One Lean file of the project. */
export interface LeanFile {
  /** The name that others import it by. */
  readonly module: string;
  /** Relative to the folder of the project, with slashes. */
  readonly path: string;
  readonly text: string;
  /** Modules it imports, of the project and of Lean. */
  readonly imports: readonly string[];
}

/** What makes a Lean project, besides its files: another toolchain or another setting is another proof. */
const SETTINGS = ['lakefile.toml', 'lean-toolchain'];

/** Folders with files that are not part of the project. */
const FOREIGN = /^(?:host|check|difftest|\.cache|\.lake)\//;

export function readProject(dir: string): readonly LeanFile[] {
  return globSync('**/*.lean', { cwd: dir, exclude: (name) => name === 'node_modules' || name.startsWith('.') })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => !FOREIGN.test(path))
    .toSorted()
    .map((path) => {
      const text = readFileSync(join(dir, path), 'utf8');
      return { module: path.slice(0, -'.lean'.length).replaceAll('/', '.'), path, text, imports: importsOf(text) };
    });
}

/** Imports stand at the beginning of a file, one to a line. */
function importsOf(text: string): readonly string[] {
  return [...text.matchAll(/^import (\S+)/gm)].map((match) => match[1]);
}

/** SHA-256 over the sorted paths and contents of all Lean files and settings: which proofs a report or a corpus is about. */
export function sourceHash(dir: string): string {
  const hash = createHash('sha256');
  const files = readProject(dir).map(({ path, text }) => ({ path, text }));
  const settings = SETTINGS.map((path) => ({ path, text: readFileSync(join(dir, path), 'utf8') }));
  for (const { path, text } of [...files, ...settings].toSorted((a, b) => (a.path < b.path ? -1 : 1)))
    hash.update(`${path}\n${Buffer.byteLength(text)}\n${text}`);
  return hash.digest('hex');
}

/**
 * Every file after those it imports. Among files that are free to come, those whose module matches `last` wait: they are measured in a
 * process that is warm.
 */
export function inDependencyOrder(files: readonly LeanFile[], last: RegExp): readonly LeanFile[] {
  const byModule = new Map(files.map((file) => [file.module, file]));
  const done = new Set<string>();
  const order: LeanFile[] = [];
  const isFree = ({ module, imports }: LeanFile): boolean =>
    !done.has(module) && imports.every((name) => done.has(name) || !byModule.has(name));
  while (order.length < files.length) {
    const free = files.filter(isFree);
    if (free.length === 0) {
      const left = files.filter(({ module }) => !done.has(module)).map(({ module }) => module);
      throw new Error(`these files import each other in a circle: ${left.join(', ')}`);
    }
    const next = free.find(({ module }) => !last.test(module)) ?? free[0];
    done.add(next.module);
    order.push(next);
  }
  return order;
}

/** Content hashes of each file and all that it imports: what was proved of a file stays proved while its key stays. */
export function fileKeys(files: readonly LeanFile[], toolchain: string): ReadonlyMap<string, string> {
  const byModule = new Map(files.map((file) => [file.module, file]));
  const keys = new Map<string, string>();
  const keyOf = (module: string): string => {
    const known = keys.get(module);
    const file = byModule.get(module);
    if (known !== undefined) return known;
    if (file === undefined) return `core ${module}`;
    const hash = createHash('sha256').update(`${toolchain}\n${module}\n${file.text}\n`);
    for (const name of file.imports) hash.update(`${keyOf(name)}\n`);
    const key = hash.digest('hex');
    keys.set(module, key);
    return key;
  };
  for (const { module } of files) keyOf(module);
  return keys;
}
