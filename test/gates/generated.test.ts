import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { findStale, generateFiles, type Generator, writeGenerated } from '../../tools/generated-files.ts';
import { GATE_TIMEOUT_MS, makeCanary } from '../support/canary.ts';

vi.setConfig({ testTimeout: GATE_TIMEOUT_MS });

const table: Generator = {
  name: 'table',
  folder: 'docs',
  files: ['table.md'],
  run: (outDir) => writeFileSync(join(outDir, 'table.md'), '* unformatted\n'),
};

describe('generated files gate', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'proofs-generated-'));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  it('names a file that is missing, and one that was edited by hand', async () => {
    const files = await generateFiles([table], root);
    expect(findStale(files, root)).toEqual(['docs/table.md']);
    writeGenerated(files, root);
    expect(findStale(files, root)).toEqual([]);
    writeFileSync(join(root, 'docs/table.md'), 'edited\n');
    expect(findStale(files, root)).toEqual(['docs/table.md']);
  });

  it('formats what it writes, so that the format gate agrees', async () => {
    writeGenerated(await generateFiles([table], root), root);
    expect(readFileSync(join(root, 'docs/table.md'), 'utf8')).toBe('- unformatted\n');
  });

  it('refuses a generator that writes other files than it declares', async () => {
    const liar: Generator = { ...table, files: ['table.md', 'more.md'] };
    await expect(generateFiles([liar], root)).rejects.toThrow('generator "table" wrote "table.md" but declares "more.md table.md"');
  });

  it('refuses two generators that write the same file', async () => {
    await expect(generateFiles([table, { ...table, name: 'again' }], root)).rejects.toThrow('two generators write "docs/table.md"');
  });
});

const OPENAPI = `openapi: 3.1.0
info: { title: canary, version: 1.0.0, license: { name: MIT, identifier: MIT } }
servers: [{ url: 'http://127.0.0.1:8080' }]
security: []
paths:
  /healthz:
    get:
      operationId: getHealth
      summary: health
      responses:
        '200': { description: alive }
        '400': { description: not so }
`;

describe('openapi gate', () => {
  it('accepts a sound document and refuses one that breaks the specification', () => {
    using canary = makeCanary({ 'openapi.yaml': OPENAPI });
    const sound = canary.runGate('openapi');
    expect(sound.exitCode, sound.output).toBe(0);
    canary.plant({ 'openapi.yaml': OPENAPI.replace('description: alive', 'describtion: alive') });
    const { exitCode, output } = canary.runGate('openapi');
    expect(exitCode).not.toBe(0);
    expect(output).toContain('describtion');
  });

  it('refuses a document that is not there', () => {
    using canary = makeCanary({});
    expect(canary.runGate('openapi').exitCode).not.toBe(0);
  });
});
