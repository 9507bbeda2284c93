import type { Claim } from './claims.ts';
import type { TheoremResult } from './results.ts';

/** What a function of a model is called in the product, and the test that holds one to the other. Written by hand, in proofs/ties.json. */
export interface Tie {
  readonly spec: string;
  /** `file.ts#function`, relative to the root of the repository. */
  readonly typescript: string;
  readonly test: string;
}

export interface MappedTheorem extends TheoremResult {
  readonly path: string;
}

/** Hexadecimal digits of a statement hash in the map: enough that nobody changes a statement by accident. */
const HASH_DIGITS = 16;

const BEGIN = '<!-- generated: npm run proofs -- --write -->';
const END = '<!-- end of the generated part -->';

/** The map with its generated part made anew; what people wrote around it stays. */
export function writeMap(before: string, claims: readonly Claim[], theorems: readonly MappedTheorem[], ties: readonly Tie[]): string {
  const [head, rest] = before.split(BEGIN);
  const tail = rest?.split(END)[1];
  if (tail === undefined) throw new Error(`the map has no part between "${BEGIN}" and "${END}"`);
  return `${head}${BEGIN}\n\n${generatedPart(claims, theorems, ties)}\n${END}${tail}`;
}

function generatedPart(claims: readonly Claim[], theorems: readonly MappedTheorem[], ties: readonly Tie[]): string {
  const main = theorems.filter(({ sentence }) => sentence !== '').toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const lines: string[] = [];
  for (const claim of claims.toSorted((a, b) => (a.id < b.id ? -1 : 1))) {
    const ofClaim = main.filter(({ name }) => claim.theorems.includes(name));
    lines.push(`## ${claim.id}`, '', claim.sentence, '', `Implementation: ${code(claim.implementation)}. Metric: ${code([claim.metric])}.`);
    if (claim.assumptions.length > 0) lines.push('', `Not proved: ${claim.assumptions.join('; ')}.`);
    lines.push('', ...table(ofClaim, ties), '');
  }
  const claimed = new Set(claims.flatMap((claim) => claim.theorems));
  lines.push(
    '## Theorems without a claim of their own',
    '',
    ...table(
      main.filter(({ name }) => !claimed.has(name)),
      ties,
    ),
    '',
  );
  return lines.join('\n');
}

function table(theorems: readonly MappedTheorem[], ties: readonly Tie[]): readonly string[] {
  const rows = theorems.map((theorem) => {
    const tied = ties.filter(({ spec }) => theorem.dependsOn.includes(spec));
    const unique = (values: readonly string[]): string => code([...new Set(values)]);
    return [
      `\`${theorem.name}\`<br>${theorem.sentence}`,
      code([theorem.path]),
      code([theorem.statementHash.slice(0, HASH_DIGITS)]),
      unique(tied.map(({ spec }) => spec)),
      unique(tied.map(({ typescript }) => typescript)),
      unique(tied.map(({ test }) => test)),
      theorem.axioms.length === 0 ? 'none' : code(theorem.axioms),
    ];
  });
  const head = ['theorem', 'file', 'statement hash', 'model function', 'TypeScript function', 'test', 'axioms'];
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`);
}

function code(values: readonly string[]): string {
  return values.length === 0 ? '' : values.map((value) => `\`${value}\``).join(' ');
}

/** Theorems that a map names, with their statement hashes. */
export function theoremsOfMap(map: string): ReadonlyMap<string, string> {
  return new Map(
    [...map.matchAll(/^\| `([^`]+)`<br>[^\n]*?\| `Thm\/[^`]+` \| `([0-9a-f]{16})` \|/gm)].map(([, name, hash]) => [name, hash]),
  );
}

/** What became of statements since the map was written. */
export function mapProblems(committed: string, made: string): readonly string[] {
  if (committed === made) return [];
  const before = theoremsOfMap(committed);
  const after = theoremsOfMap(made);
  const changed = [...before].flatMap(([name, hash]) => {
    const now = after.get(name);
    if (now === hash) return [];
    return [now === undefined ? `"${name}" is in MAP.md and is proved no more` : `the statement of "${name}" is not the one of MAP.md`];
  });
  const added = [...after.keys()].filter((name) => !before.has(name)).map((name) => `"${name}" is not in MAP.md`);
  const found = [...changed, ...added];
  return found.length > 0 ? found : ['MAP.md is not what its generator writes'];
}
