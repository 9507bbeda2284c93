import { describe, expect, it, vi } from 'vitest';
import { GATE_TIMEOUT_MS, makeCanary } from '../support/canary.ts';

vi.setConfig({ testTimeout: GATE_TIMEOUT_MS });

const lines = (count: number): string => Array.from({ length: count }, (_, i) => `  console.log(${i});`).join('\n');

/** One violation per file; the file is named after the rule that must refuse it. A ¦ keeps it from breaking the tidy rules here. */
const PLANTED: Readonly<Record<string, string>> = {
  'src/no-floating-promises.ts': 'async function later(): Promise<void> {}\n\nexport function run(): void {\n  later();\n}\n',
  'src/no-misused-promises.ts':
    'export function run(list: string[]): void {\n  list.forEach(async (x) => {\n    await import(x);\n  });\n}\n',
  'src/no-explicit-any.ts': 'export const value: any = 1;\n',
  'src/ban-ts-comment.ts': `// @ts-¦ignore\nexport const value: number = 1;\n`,
  'src/eqeqeq.ts': 'export const same = (a: string, b: string): boolean => a == b;\n',
  'src/no-console.ts': "export function run(): void {\n  console.log('x');\n}\n",
  'src/no-process-env.ts': 'export const home = process.env.HOME;\n',
  'src/no-default-export.ts': 'export default 1;\n',
  'src/prefer-node-protocol.ts': "import { join } from 'path';\n\nexport const path = join('a', 'b');\n",
  'src/switch-exhaustiveness-check.ts':
    "export function run(x: 'a' | 'b'): number {\n  switch (x) {\n    case 'a':\n      return 1;\n  }\n  return 2;\n}\n",
  'tools/max-lines-per-function.ts': `export function run(): void {\n${lines(70)}\n}\n`,
  'tools/max-lines.ts': `${lines(401)}\n`,
  'test/unit/no-focused-tests.test.ts': `import { expect, it } from 'vitest';\n\nit.¦only('is focused', () => expect(1).toBe(1));\n`,
  'test/unit/no-disabled-tests.test.ts': `import { expect, it } from 'vitest';\n\nit.¦skip('is off', () => expect(1).toBe(1));\n`,
  'test/unit/expect-expect.test.ts': "import { it } from 'vitest';\n\nit('asserts nothing', () => {});\n",
};

describe('lint gate', () => {
  it('accepts code without faults', () => {
    using canary = makeCanary({ 'src/clean.ts': "export const clean = 'yes';\n" });
    const { exitCode, output } = canary.runGate('lint');
    expect(output).toContain('0 warnings and 0 errors');
    expect(exitCode).toBe(0);
  });

  it('refuses each planted fault by the rule that is meant for it', () => {
    using canary = makeCanary(Object.fromEntries(Object.entries(PLANTED).map(([path, content]) => [path, content.replace('¦', '')])));
    const { exitCode, output } = canary.runGate('lint');
    expect(exitCode).not.toBe(0);
    const refused = [...output.matchAll(/ x (?:[a-z-]+\()?([a-z-]+)\)?:[^\n]*(?:\n(?! +,-)[^\n]*)*\n +,-\[([^:]+):/g)].map(
      ([, rule, file]) => `${file} ${rule}`,
    );
    const expected = Object.keys(PLANTED).map((file) => `${file} ${file.replace(/^.*\/|(\.test)?\.ts$/g, '')}`);
    expect(refused).toEqual(expect.arrayContaining(expected));
  });
});
