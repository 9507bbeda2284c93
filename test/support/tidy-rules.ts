/** A habit that no other gate refuses. Patterns are written so that this file does not match them. */
interface TidyRule {
  readonly name: string;
  readonly pattern: RegExp;
  /** Paths the rule is about; everything when absent. */
  readonly only?: RegExp;
  readonly except?: RegExp;
}

/** A longer file has stopped being about one thing. */
export const FILE_LINES_MAX = 400;

const CODE = /\.(ts|cjs|js|sh|py|go)$/;

export const TIDY_RULES: readonly TidyRule[] = [
  { name: 'unfinished work is an issue, not a comment', pattern: /\b(?:TO[D]O|FIX[M]E|XX[X]|HAC[K])\b/ },
  {
    name: 'a test that does not run proves nothing',
    pattern: /\b(?:it|test|describe|suite|bench)\.(?:only|skip|todo|skipIf|runIf|fails)\b/,
    only: /^test\//,
  },
  { name: 'a cast around the type checker', pattern: /\bas (?:any|unknown[ ]as)\b/, only: /\.ts$/ },
  { name: 'a comment that silences the type checker', pattern: /@ts-(?:ignore|nocheck|expect-error)\b/, only: /\.ts$/ },
  { name: 'a comment that silences the linter without saying why (-- why)', pattern: /(?:oxlint|eslint)-disable(?!.* -- \S)/, only: CODE },
  { name: 'a path of one machine', pattern: /(?:^|[\s"'`(=:])\/(?:work|root)\// },
  { name: 'the host name of a package registry', pattern: /\bregistry\.[a-z0-9-]+\.[a-z]{2,}\b|\bproxy\.golang\.org\b|"resolved": ?"http/ },
  {
    name: 'only main touches exit codes, signals and arguments',
    pattern: /\bprocess\.(?:exit|exitCode|on|once|argv|kill|abort)\b/,
    only: /^src\//,
    except: /^src\/(?:main|bin\/[a-z-]+)\.ts$/,
  },
  {
    name: 'only config/env.ts reads the environment',
    pattern: /\bprocess\.env\b|\{[^}]*\benv\b[^}]*\} from '(?:node:)?process'/,
    only: /^src\//,
    except: /^src\/config\/env\.ts$/,
  },
];

/** Every breach in one file, as `path:line: reason`. */
export function findUntidy(path: string, content: string): readonly string[] {
  const rules = TIDY_RULES.filter(({ only, except }) => (only?.test(path) ?? true) && !(except?.test(path) ?? false));
  const lines = content.split('\n');
  const found: string[] = [];
  for (const [i, line] of lines.entries())
    for (const { name, pattern } of rules) if (pattern.test(line)) found.push(`${path}:${i + 1}: ${name}`);
  const lineCount = content.endsWith('\n') ? lines.length - 1 : lines.length;
  if (CODE.test(path) && lineCount > FILE_LINES_MAX) found.push(`${path}:${FILE_LINES_MAX + 1}: a file of ${lineCount} lines`);
  return found;
}
