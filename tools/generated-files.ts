import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { format, getFileInfo, resolveConfig } from 'prettier';

/** One source of committed files that nobody edits by hand. */
export interface Generator {
  readonly name: string;
  /** Where the files live, relative to the root of the repository. */
  readonly folder: string;
  /** The names of all files it writes; one more or one less is an error. */
  readonly files: readonly string[];
  /** Writes the files into `outDir`, the same bytes every time. */
  run(outDir: string): Promise<void> | void;
}

/** Path relative to the root → content. */
export type GeneratedFiles = ReadonlyMap<string, string>;

/** Runs the generators in a temporary folder and formats what they wrote, so that the format check holds for generated files too. */
export async function generateFiles(generators: readonly Generator[], root: string): Promise<GeneratedFiles> {
  const files = new Map<string, string>();
  for (const generator of generators) {
    const outDir = mkdtempSync(join(tmpdir(), 'proofs-generate-'));
    try {
      await generator.run(outDir);
      const written = readdirSync(outDir).toSorted().join(' ');
      const declared = generator.files.toSorted().join(' ');
      if (written !== declared) throw new Error(`generator "${generator.name}" wrote "${written}" but declares "${declared}"`);
      for (const file of generator.files) {
        const path = join(generator.folder, file);
        if (files.has(path)) throw new Error(`two generators write "${path}"`);
        files.set(path, await toFormatted(root, path, readFileSync(join(outDir, file), 'utf8')));
      }
    } finally {
      rmSync(outDir, { recursive: true, force: true });
    }
  }
  return files;
}

async function toFormatted(root: string, path: string, content: string): Promise<string> {
  const target = join(root, path);
  const { ignored, inferredParser } = await getFileInfo(target, { ignorePath: join(root, '.prettierignore') });
  if (ignored || inferredParser === null) return content;
  return format(content, { ...(await resolveConfig(target)), filepath: target });
}

/** Paths whose committed content is missing or differs from what the generators write now. */
export function findStale(files: GeneratedFiles, root: string): readonly string[] {
  return [...files].filter(([path, content]) => readIfPresent(join(root, path)) !== content).map(([path]) => path);
}

export function writeGenerated(files: GeneratedFiles, root: string): void {
  for (const [path, content] of files) {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), content);
  }
}

function readIfPresent(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
