import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020, type AnySchemaObject, type ValidateFunction } from 'ajv/dist/2020.js';
import { beforeAll, describe, expect, it } from 'vitest';
import { PATHS } from '../../src/bundle/format.ts';
import { makeFixture, textOf, unpack, type Files } from '../support/bundle-fixture.ts';

const formats = join(import.meta.dirname, '../../docs/formats');

function schemaOf(name: string): ValidateFunction {
  const schema = JSON.parse(readFileSync(join(formats, `bundle-${name}.schema.json`), 'utf8')) as AnySchemaObject;
  return new Ajv2020({ strict: true, allErrors: true }).compile(schema);
}

function faults(validate: ValidateFunction, value: unknown): string[] {
  return validate(value) ? [] : (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}

const rows = (ndjson: string): unknown[] =>
  ndjson
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
let files: Files;

beforeAll(async () => {
  files = unpack((await (await makeFixture(40)).bundle(-50, 3050)).bytes);
});

describe('published schemas', () => {
  it('hold for the manifest, the proof, the envelope and the statement of a bundle', () => {
    expect(faults(schemaOf('manifest'), JSON.parse(textOf(files, PATHS.manifest)))).toEqual([]);
    expect(faults(schemaOf('proof'), JSON.parse(textOf(files, PATHS.proof)))).toEqual([]);
    const envelope = JSON.parse(textOf(files, PATHS.envelope)) as { payload: string };
    expect(faults(schemaOf('envelope'), envelope)).toEqual([]);
    expect(faults(schemaOf('statement'), JSON.parse(Buffer.from(envelope.payload, 'base64').toString()))).toEqual([]);
  });

  it('hold for every line, of types with and without a name', () => {
    const validate = schemaOf('entry');
    const lines = [...rows(textOf(files, PATHS.events)), ...rows(textOf(files, PATHS.edges))];
    expect(lines.length).toBe(32);
    expect(lines.flatMap((line) => faults(validate, line))).toEqual([]);
  });

  it('refuse what a bundle never says', () => {
    const [line] = rows(textOf(files, PATHS.edges)) as Record<string, unknown>[];
    const validate = schemaOf('entry');
    const without = Object.fromEntries(Object.entries(line).filter(([name]) => name !== 'payload'));
    for (const changed of [
      { ...line, more: 1 },
      { ...line, seq: -1 },
      { ...line, leafHash: 'x' },
      { ...line, type: 'other' },
      { ...line, type: '17' },
      without,
    ]) {
      expect(faults(validate, changed)).not.toEqual([]);
    }
    const manifest = JSON.parse(textOf(files, PATHS.manifest)) as Record<string, unknown>;
    for (const changed of [
      { ...manifest, more: 1 },
      { ...manifest, createdAt: '2026' },
      { ...manifest, files: [] },
    ]) {
      expect(faults(schemaOf('manifest'), changed)).not.toEqual([]);
    }
  });
});
