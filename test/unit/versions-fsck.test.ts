import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { checkFolder, type FsckReport } from '../../src/versions/fsck.ts';
import { sha256, StoreInHand } from '../support/store-in-hand.ts';
import { tempDir } from '../support/temp-dir.ts';

let directory: ReturnType<typeof tempDir>;
let hand: StoreInHand;

beforeEach(async () => {
  directory = tempDir();
  hand = await new StoreInHand(directory.path).open();
  await hand.put('a', 'one');
  await hand.put('a', 'two');
  await hand.put('b', 'three');
});
afterEach(() => directory[Symbol.dispose]());

async function check(): Promise<FsckReport> {
  using scratch = tempDir();
  const before = listing();
  const report = await checkFolder(directory.path, scratch.path);
  expect(listing(), 'a check changes nothing').toEqual(before);
  expect(readdirSync(scratch.path), 'and leaves nothing').toEqual([]);
  return report;
}

function listing(): string[] {
  const { root } = hand.paths;
  return readdirSync(root, { recursive: true, withFileTypes: true }).map((entry) => {
    const path = join(entry.parentPath, entry.name);
    return entry.isFile() ? `${path} ${sha256(readFileSync(path))}` : path;
  });
}

const NOTHING = { artifacts: 0, versions: 0, checked: 0, damages: [], unneeded: 0, unsettled: [] };

it('a check of versions that are as they were stored finds nothing', async () => {
  expect(await check()).toEqual({ ...NOTHING, artifacts: 2, versions: 3, checked: 3 });
});

it('a check of a folder without versions finds none', async () => {
  using empty = tempDir();
  using scratch = tempDir();
  expect(await checkFolder(empty.path, scratch.path)).toEqual(NOTHING);
});

it('a check names every damaged place, and goes on', async () => {
  const object = hand.paths.object(sha256('three'));
  writeFileSync(object, 'threE');
  writeFileSync(hand.paths.head('a'), readFileSync(hand.paths.head('a'), 'utf8').replace('"version":2', '"version":1'));
  writeFileSync(join(hand.paths.names, 'c'), 'no folder');
  mkdirSync(join(hand.paths.names, '-d'));
  const { damages, artifacts } = await check();
  expect(artifacts).toBe(1);
  const places = damages.map(({ place }) => place).toSorted();
  expect(places).toEqual(['names/-d', 'names/a', 'names/c', hand.paths.placeOf(object)]);
});

it('a check counts what the next start will remove and settle', async () => {
  const stray = hand.paths.object(sha256('stray'));
  mkdirSync(join(stray, '..'), { recursive: true });
  writeFileSync(stray, 'stray');
  writeFileSync(hand.paths.pending('b'), '{');
  expect(await check()).toMatchObject({ damages: [], unneeded: 1, unsettled: ['b'] });
});
