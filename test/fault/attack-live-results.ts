import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { findAttack } from '../../src/attack/catalogue.ts';
import type { LiveRun } from '../../src/attack/live/live-run.ts';
import type { LiveStateName } from './attack-live-states.ts';
import type { LiveResult } from './attack-table.ts';

/** The single runs that docs/attacks.md is made from: a JSON line for each attack, state and size of events. */
export const LIVE_RESULTS = fileURLToPath(new URL('../../docs/attacks-live.jsonl', import.meta.url));

interface Line {
  readonly attack: string;
  readonly state: LiveStateName;
  readonly eventBytes: number;
  readonly runs: readonly LiveRun[];
  readonly immutable?: LiveRun;
}

/** Those of attacks that are still in the catalogue; empty when there is no file. */
export function readLiveResults(path: string): LiveResult[] {
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
  return lines.flatMap((line) => {
    const { attack, ...rest } = JSON.parse(line) as Line;
    const known = findAttack(attack);
    return known === undefined ? [] : [{ attack: known, ...rest }];
  });
}

/** Replaces the file, as small as it can be said: microseconds are noise, and notes name the folders of one machine. */
export function writeLiveResults(path: string, results: readonly LiveResult[]): void {
  const lines = results.map(({ attack, state, eventBytes, runs, immutable }) =>
    JSON.stringify({ attack: attack.name, state, eventBytes, runs: runs.map(brief), ...(immutable && { immutable: brief(immutable) }) }),
  );
  writeFileSync(path, lines.map((line) => `${line}\n`).join(''));
}

function brief({ latencyMs, stallMs, isUndone, notPossible, prevented, failed }: LiveRun): LiveRun {
  return {
    latencyMs: latencyMs === undefined ? undefined : tenths(latencyMs),
    stallMs: tenths(stallMs),
    ...(isUndone && { isUndone }),
    ...(notPossible && { notPossible: withoutPaths(notPossible) }),
    ...(prevented && { prevented: withoutPaths(prevented) }),
    ...(failed && { failed: withoutPaths(failed) }),
  };
}

const tenths = (ms: number): number => Math.round(ms * 10) / 10;
const withoutPaths = (text: string): string => text.replaceAll(/\/(?:[^/\s"':]+\/)+/g, '…/');
