import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkProofs } from '../check/check-proofs.ts';
import { ResultStore } from '../check/results.ts';
import { WasmEngine, wasmToolchain } from '../check/wasm-engine.ts';
import type { Component } from './components.ts';

const projectDir = join(import.meta.dirname, '..');
const rootDir = join(projectDir, '..');

/** Inputs in one request: enough that the way there and back does not count. */
const BATCH = 1000;

/** Lean's answers, by the models as they stand. Throws when the proofs do not hold: answers of a model that is not checked mean nothing. */
export async function askLean(
  questions: readonly { readonly component: Component; readonly inputs: readonly unknown[] }[],
): Promise<{ readonly sourceHash: string; readonly answers: readonly (readonly unknown[])[] }> {
  const report = (line: string): void => console.error(line);
  const checked = await checkProofs({ projectDir, rootDir, isFresh: false, isWriting: false, report, engine: 'wasm' });
  if (!checked.isProved) throw new Error(`the proofs do not hold: ${checked.problems.join('; ')}`);
  const cacheDir = join(projectDir, '.cache');
  await using engine = new WasmEngine({ cacheDir, oleanDir: new ResultStore(cacheDir, wasmToolchain()).oleanDir, report });
  const answers: unknown[][] = [];
  for (const { component, inputs } of questions) {
    const lean = await engine.process();
    const text = readFileSync(join(projectDir, component.leanFile), 'utf8');
    const input = { text, file: component.leanFile, module: `_${component.name}`, options: { warningAsError: true } };
    await lean.load(input, [component.leanFunction]);
    const answered: unknown[] = [];
    for (let at = 0; at < inputs.length; at += BATCH) {
      const lines = await lean.call(
        component.leanFunction,
        inputs.slice(at, at + BATCH).map((each) => JSON.stringify(each)),
      );
      answered.push(...lines.map((line) => JSON.parse(line) as unknown));
    }
    answers.push(answered);
  }
  return { sourceHash: checked.sourceHash, answers };
}
