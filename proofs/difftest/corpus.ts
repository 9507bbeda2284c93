import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { constants, gunzipSync, gzipSync } from 'node:zlib';

/** Inputs with the answers of Lean, for machines without it. */
export interface Corpus {
  /** The proofs whose models gave the answers; see docs/formats/proof-report.md. */
  readonly sourceHash: string;
  readonly seed: number;
  readonly cases: readonly { readonly input: unknown; readonly answer: unknown }[];
}

/** Relative to the root of the repository. */
export const CORPUS_DIR = 'test/vectors/proofs';

/** A corpus is a line with its source hash and seed, then a line of [input, answer] for each case; compressed. */
export function writeCorpus(rootDir: string, name: string, { sourceHash, seed, cases }: Corpus): number {
  const lines = [JSON.stringify({ sourceHash, seed }), ...cases.map(({ input, answer }) => JSON.stringify([input, answer]))];
  const bytes = gzipSync(`${lines.join('\n')}\n`, { level: constants.Z_BEST_COMPRESSION });
  writeFileSync(corpusPath(rootDir, name), bytes);
  return bytes.length;
}

export function readCorpus(rootDir: string, name: string): Corpus {
  const [head, ...lines] = gunzipSync(readFileSync(corpusPath(rootDir, name)))
    .toString('utf8')
    .trimEnd()
    .split('\n');
  const { sourceHash, seed } = JSON.parse(head) as Pick<Corpus, 'sourceHash' | 'seed'>;
  const cases = lines.map((line) => {
    const [input, answer] = JSON.parse(line) as [unknown, unknown];
    return { input, answer };
  });
  return { sourceHash, seed, cases };
}

function corpusPath(rootDir: string, name: string): string {
  return join(rootDir, CORPUS_DIR, `${name}.ndjson.gz`);
}

/** A corpus about other proofs than these is no evidence about these. */
export function assertCurrent(corpus: Pick<Corpus, 'sourceHash'>, name: string, sourceHash: string): void {
  if (corpus.sourceHash !== sourceHash) throw new Error(`the corpus "${name}" is about other proofs than these (npm run vectors)`);
}
