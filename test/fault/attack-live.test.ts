import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findAttack } from '../../src/attack/catalogue.ts';
import { tempDir } from '../support/temp-dir.ts';
import { LiveBench } from './attack-live.ts';
import { makeTemplate, type LiveStateName, type LiveTemplate } from './attack-live-states.ts';

/**
 * That a running sidecar notices at all: a slice of what attack-live.run.ts does with twenty runs of everything. How fast stands in
 * docs/attacks.md; a machine that runs other tests beside is no place to ask.
 */
const WAIT_MS = 15_000;
/** Long enough for several scrubs of everything. */
const QUIET_MS = 2000;
const PREPARE_MS_MAX = 120_000;

const SLICE: readonly (readonly [LiveStateName, readonly string[]])[] = [
  [
    'active',
    [
      'bit-flip',
      'edit-keep-times',
      'mmap-store',
      'hole-punch',
      'truncate-frame',
      'full-rewrite',
      'truncate-to-seal',
      'note-key-id-collision',
      'watermark-edit',
      'swap-key-file',
      'directory-swap',
      'rollback-directory',
      'blind-watcher',
      'blind-canary',
    ],
  ],
  ['during append', ['bit-flip', 'foreign-append', 'rename-over', 'equivocation']],
];
const CONTROLS = ['benign-backup', 'benign-chmod', 'benign-log-rotation'];

const directory = tempDir();
const bench = new LiveBench(directory.path);
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
  directory[Symbol.dispose]();
});

describe.each(SLICE)('%s', (state, names) => {
  let template: LiveTemplate;
  beforeAll(async () => {
    const folder = join(directory.path, `template ${state}`);
    mkdirSync(folder);
    template = await makeTemplate(state, folder, 0);
  }, PREPARE_MS_MAX);

  const run = async (name: string, waitMs: number) => {
    const attack = findAttack(name);
    if (attack === undefined) throw new Error(`there is no attack "${name}"`);
    const [only] = await bench.run(attack, template, { waitMs }, 1);
    return only;
  };

  test.each(names)('%s raises the latched gauge', async (name) => {
    const { latencyMs, isUndone, ...rest } = await run(name, WAIT_MS);
    // What the writer itself overwrote a moment later is no longer there to be found.
    expect(latencyMs !== undefined || isUndone, JSON.stringify(rest)).toBe(true);
  });

  test.each(CONTROLS)('%s raises nothing', async (name) => {
    const { latencyMs, notPossible, note } = await run(name, QUIET_MS);
    expect([latencyMs, notPossible], note).toEqual([undefined, undefined]);
  });
});
