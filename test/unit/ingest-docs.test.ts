import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { BODY_BYTES_MAX } from '../../src/http/routes/ingest.ts';
import { ALIASES } from '../../src/ingest/field-names.ts';
import * as limits from '../../src/ingest/limits.ts';
import { PAYLOAD_BYTES_MAX } from '../../src/kernel/leaf.ts';
import { parseText } from '../support/parse-text.ts';

const docs = readFileSync(new URL('../../docs/events.md', import.meta.url), 'utf8');

/** Cells of the table below a heading, without its head. */
function tableBelow(heading: string): string[][] {
  const rows = docs
    .split(`## ${heading}\n`)[1]
    .split('\n## ')[0]
    .split('\n')
    .filter((line) => line.startsWith('|'));
  return rows.slice(2).map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

function codeIn(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1]);
}

describe('docs/events.md', () => {
  it('shows events and what is really stored for them', () => {
    const examples = [...docs.matchAll(/```json\n([^`]+)\n```\n\nis stored as\n\n```json\n([^`]+)\n```/g)];
    expect(examples).toHaveLength(3);
    for (const [, sent, stored] of examples) expect(parseText(sent).payloads).toEqual([stored]);
  });

  it('shows the faults that are really told', () => {
    const [, sent, faults] = /```ndjson\n([^`]+)\n```\n\nit says\n\n```json\n([^`]+)\n```/.exec(docs) ?? [];
    expect(parseText(sent, 'ndjson').faults).toEqual(JSON.parse(faults));
  });

  it('lists the names of every field that has more than one', () => {
    const listed = Object.fromEntries(tableBelow('Other names').map(([field, names]) => [codeIn(field)[0], codeIn(names)]));
    expect(listed).toEqual(Object.fromEntries(Object.entries(ALIASES).filter(([, names]) => names.length > 1)));
  });

  it('lists spellings of levels that are taken, under the level they become', () => {
    for (const [level, also, pino] of tableBelow('Levels')) {
      const name = codeIn(level)[0];
      const numbers = pino.split(' – ').map(Number);
      for (const spelling of [name, ...codeIn(also), ...numbers]) {
        const [payload] = parseText(JSON.stringify({ message: '', level: spelling })).payloads;
        expect(JSON.parse(payload)).toMatchObject({ level: name });
      }
    }
  });

  it('states the limits of the code', () => {
    const stated = tableBelow('Limits').map(([, value]) => Number(value.replaceAll(',', '')));
    expect(stated).toEqual([BODY_BYTES_MAX, limits.EVENTS_MAX, PAYLOAD_BYTES_MAX, limits.DEPTH_MAX, limits.FAULTS_MAX]);
    const characters = Object.fromEntries(
      tableBelow('An event').flatMap(([fields, text]) =>
        codeIn(fields).map((field) => [field, Number(/(\d+) characters/.exec(text)?.[1])]),
      ),
    );
    expect(characters).toMatchObject({
      tenant: limits.TENANT_CHARS_MAX,
      source: limits.SOURCE_CHARS_MAX,
      actor: limits.ACTOR_CHARS_MAX,
      traceId: limits.TRACE_ID_CHARS_MAX,
      spanId: limits.SPAN_ID_CHARS_MAX,
    });
  });
});
