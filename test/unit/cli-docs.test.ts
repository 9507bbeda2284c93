import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { COMMANDS } from '../../src/cli/commands.ts';
import { usageText } from '../../src/cli/dispatch.ts';
import { serve } from '../../src/cli/serve.ts';
import { buildCliDocs } from '../../tools/build-cli-docs.ts';

const docs = readFileSync('docs/cli.md', 'utf8');

/** "## name" → its section. */
const sections = new Map(
  docs
    .split(/^## /m)
    .slice(1)
    .map((section) => [section.slice(0, section.indexOf('\n')), section]),
);

function optionsIn(text: string): string[] {
  return [...new Set(text.match(/(?<![\w-])--[a-z][a-z-]*/g))].toSorted();
}

test('docs/cli.md is what the usage texts give; run: npm run generate', () => {
  const outDir = mkdtempSync(join(tmpdir(), 'proofs-cli-docs-'));
  try {
    buildCliDocs(outDir);
    expect(docs).toBe(readFileSync(join(outDir, 'cli.md'), 'utf8'));
  } finally {
    rmSync(outDir, { recursive: true, force: true });
  }
});

test('docs/cli.md has a section for each command and for nothing else', () => {
  expect([...sections.keys()]).toEqual([serve, ...COMMANDS].map((command) => command.name));
});

test.each([serve, ...COMMANDS].map((command) => [command.name, command] as const))(
  '%s: every option and the exit codes are documented',
  (name, command) => {
    const section = sections.get(name) ?? '';
    expect(optionsIn(section)).toEqual(optionsIn(usageText(command)));
    expect(section).toMatch(/exit codes:/i);
  },
);

test.each(COMMANDS.map((command) => [command.name, command] as const))(
  '%s accepts every option that its usage names',
  async (_, command) => {
    const { captureIo } = await import('../support/cli-io.ts');
    for (const option of optionsIn(command.usage)) {
      // A word that no command accepts makes each run end at its usage check, with every fault named.
      const error = await command
        .run([option, '--no-such-option'], captureIo({ env: { PROOFS_DATA_DIR: '/nonexistent' } }))
        .catch((thrown: unknown) => thrown);
      expect(String(error)).toMatch(/--no-such-option|argument missing|ambiguous/);
      expect(String(error)).not.toMatch(new RegExp(`unknown option "${option}"`, 'i'));
    }
  },
);
