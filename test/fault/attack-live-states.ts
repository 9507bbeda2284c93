import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Attack, Need } from '../../src/attack/attack.ts';
import { CATALOGUE } from '../../src/attack/catalogue.ts';
import { LedgerView } from '../../src/attack/ledger-view.ts';
import { SEGMENT_LEAVES_MAX } from '../../src/kernel/leaf.ts';
import type { Sidecar } from '../support/sidecar.ts';
import { postEvents } from './attack-load.ts';
import { live } from './attack-states.ts';

export const LIVE_STATES = ['sealed', 'active', 'just rotated', 'during append'] as const;
export type LiveStateName = (typeof LIVE_STATES)[number];

const LONG_LEDGER: ReadonlySet<Need> = new Set(['segments', 'three-segments', 'index']);

/** Attacks that can be tried there: short ledgers have no full segments, and nothing is archived. */
export function attacksIn(state: LiveStateName): readonly Attack[] {
  const isShort = state === 'active' || state === 'during append';
  const isPossible = (need: Need): boolean => need !== 'archive' && !(isShort && LONG_LEDGER.has(need));
  return CATALOGUE.filter(({ needs }) => needs.every(isPossible));
}

/** What a run starts from: folders to copy, and what the fresh sidecar is fed before the attack. */
export interface LiveTemplate {
  readonly state: LiveStateName;
  readonly dataDir: string;
  readonly olderDir: string;
  readonly otherLifeDir: string;
  readonly paddingBytes: number;
  /** Events for the fresh sidecar. */
  readonly warmUp: number;
  /** Leaf to aim at, given how many there are. */
  aim(size: number): number;
}

const EPOCH_MS = 1200;
/** Leaves that the template leaves free in its last segment, so that the run itself crosses into a new one. */
const ROOM_LEAVES = 40;
const WARM_UP = 60;

async function grow(sidecar: Sidecar, events: number, label: string, paddingBytes: number): Promise<void> {
  await postEvents(sidecar.url, events, label, paddingBytes);
  await setTimeout(EPOCH_MS);
}

async function makeFolders(
  directory: string,
  paddingBytes: number,
  events: number,
): Promise<Pick<LiveTemplate, 'dataDir' | 'olderDir' | 'otherLifeDir'>> {
  const [dataDir, olderDir, otherLifeDir] = ['data', 'older', 'other-life'].map((name) => join(directory, name));
  mkdirSync(dataDir, { recursive: true });
  const half = Math.floor(events / 2);
  await live(dataDir, (sidecar) => grow(sidecar, half, 'first', paddingBytes));
  cpSync(dataDir, olderDir, { recursive: true });
  cpSync(dataDir, otherLifeDir, { recursive: true });
  await live(otherLifeDir, (sidecar) => postEvents(sidecar.url, half, 'other life', paddingBytes));
  // Starts, seals and summaries take leaves of their own: the size is read, not counted.
  const rest = events - new LedgerView({ dataDir }).size();
  await live(dataDir, (sidecar) => grow(sidecar, rest, 'second', paddingBytes));
  return { dataDir, olderDir, otherLifeDir };
}

/** The state's template. 60 KB events fill a segment with 768 leaves, small ones with 65,536. */
export async function makeTemplate(state: LiveStateName, directory: string, paddingBytes: number): Promise<LiveTemplate> {
  const perSegment = paddingBytes > 10_000 ? 768 : SEGMENT_LEAVES_MAX;
  const near = { state, paddingBytes, warmUp: WARM_UP };
  switch (state) {
    case 'sealed': {
      const folders = await makeFolders(directory, paddingBytes, 2 * perSegment + WARM_UP);
      return { ...near, ...folders, aim: () => Math.floor(perSegment * 1.5) };
    }
    case 'just rotated': {
      const folders = await makeFolders(directory, paddingBytes, 2 * perSegment - ROOM_LEAVES);
      return { ...near, ...folders, warmUp: ROOM_LEAVES + WARM_UP, aim: () => 2 * perSegment + 5 };
    }
    case 'active':
    case 'during append': {
      const folders = await makeFolders(directory, paddingBytes, paddingBytes > 10_000 ? WARM_UP : 300);
      return { ...near, ...folders, aim: (size) => size - 20 };
    }
  }
}
