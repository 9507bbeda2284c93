import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compactWasm, toSymbolFile } from './compact-wasm.ts';
import { PINNED_SHA256 } from './pinned-package.ts';
import { slimScript } from './slim-script.ts';

/** What of the library is unpacked; the rest is the build tool and examples. */
const LIBRARIES = ['Init', 'Std', 'Lean'];

/** The code that makes the prepared folder: another version of it makes another one. */
const OWN_FILES = ['prepare.ts', 'compact-wasm.ts', 'wasm-reader.ts', 'slim-script.ts', 'pinned-package.ts'];

/** Names the prepared folder: the pinned hashes and the code of this tool. */
export function preparedKey(): string {
  const hash = createHash('sha256');
  for (const file of OWN_FILES) hash.update(readFileSync(join(import.meta.dirname, file)));
  return hash.digest('hex').slice(0, 16);
}

/** Throws unless every file of the package is, byte for byte, the one this host was written for. */
export function assertPinned(packageDir: string): void {
  for (const [file, expected] of Object.entries(PINNED_SHA256)) {
    const found = createHash('sha256')
      .update(readFileSync(join(packageDir, file)))
      .digest('hex');
    if (found !== expected) throw new Error(`the Lean package was modified: SHA-256 of "${file}" is ${found}, not ${expected}`);
  }
}

/**
 * Turns the package into a folder that Node starts in a second: bin/lean.js, bin/lean.wasm, bin/lean.syms and lib/lean/. It takes its name
 * only when complete, so that a run that was killed leaves nothing that looks finished. Returns the folder.
 */
export function prepare(packageDir: string, cacheDir: string, report: (line: string) => void): string {
  const target = join(cacheDir, `lean-${preparedKey()}`);
  if (existsSync(target)) return target;
  report('preparing Lean (once, some 10 to 30 s, 360 MB)');
  assertPinned(packageDir);
  mkdirSync(cacheDir, { recursive: true });
  const folder = mkdtempSync(join(cacheDir, 'preparing-'));
  try {
    mkdirSync(join(folder, 'bin'));
    mkdirSync(join(folder, 'lib', 'lean'), { recursive: true });
    const script = slimScript(readFileSync(join(packageDir, 'lean.js'), 'utf8'));
    const { wasm, symbols, addressed } = compactWasm(readFileSync(join(packageDir, 'lean.wasm')), script.keep);
    writeFileSync(join(folder, 'bin', 'lean.wasm'), wasm);
    writeFileSync(join(folder, 'bin', 'lean.syms'), toSymbolFile(symbols));
    writeFileSync(join(folder, 'bin', 'lean.js'), script.write(addressed));
    // The glue code is a script of the old kind, and the packages around this folder are modules.
    writeFileSync(join(folder, 'package.json'), '{"type":"commonjs"}\n');
    const parts = LIBRARIES.flatMap((name) => [`./${name}`, `./${name}.olean`]);
    const archive = join(packageDir, 'lean-lib.tar.gz');
    execFileSync('tar', ['xzf', archive, '-C', join(folder, 'lib', 'lean'), '--exclude=._*', ...parts], { stdio: 'ignore' });
    renameSync(folder, target);
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
  return target;
}
