import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { LEAF_TYPES } from '../../src/kernel/leaf.ts';
import { readRootKey } from '../../src/ledger/key-files.ts';
import { epochFaults, leavesOf } from '../support/epoch-oracle.ts';
import { smallDisk } from '../support/small-disk.ts';
import { tempDir } from '../support/temp-dir.ts';
import { startWriter } from '../support/writer-in-hand.ts';

const START_NS = 1_767_323_045_000_000_000n;
const MIB = 1024 * 1024;

it('acknowledges nothing of an epoch before its key is on the disk: with a full keys folder it refuses, and goes on when there is room', async () => {
  using dir = tempDir();
  using disk = smallDisk(MIB);
  const keysDir = join(disk.path, 'keys');
  let nowNs = START_NS;
  const writer = await startWriter(dir.path, { wall: () => nowNs, keysDir, sealLimits: { afterMs: 1000 } });
  await writer.append([{ message: 'in the first epoch' }]);
  disk.fill(0);
  nowNs += 2_000_000_000n;
  writer.writer.tick();
  await expect.poll(() => leavesOf(dir.path).at(-1)?.type).toBe(LEAF_TYPES.epochSeal);
  const { length } = leavesOf(dir.path);
  // The first may be written before the key meets the full disk, and is then taken back; the second comes when that is known.
  for (const message of ['meets it', 'knows it']) await expect(writer.append([{ message }])).rejects.toMatchObject({ code: 'disk-full' });
  expect(leavesOf(dir.path)).toHaveLength(length);
  expect(readFileSync(join(keysDir, 'epoch.key'), 'latin1').split('\n')[1]).toBe('0');
  disk.free();
  // Nobody has to ask again for it: a leaf of its own tells everyone that there is space.
  await expect.poll(() => leavesOf(dir.path).at(-1)?.type).toBe(LEAF_TYPES.heartbeat);
  await writer.append([{ message: 'in the second epoch' }]);
  expect(readFileSync(join(keysDir, 'epoch.key'), 'latin1').split('\n')[1]).toBe('1');
  await writer.close();
  expect(epochFaults(dir.path, [readRootKey(join(keysDir, 'verification.key'))], keysDir)).toEqual([]);
});

it('can be stopped while the keys folder is full: the next start, once there is room, finds the key one epoch behind and goes on', async () => {
  using dir = tempDir();
  using disk = smallDisk(MIB);
  const keysDir = join(disk.path, 'keys');
  const start = () => startWriter(dir.path, { wall: () => START_NS, keysDir });
  const writer = await start();
  await writer.append([{ message: 'acknowledged' }]);
  disk.fill(0);
  await writer.close();
  expect(leavesOf(dir.path).at(-1)?.type).toBe(LEAF_TYPES.epochSeal);
  await expect(start()).rejects.toMatchObject({ code: 'ENOSPC' });
  disk.free();
  await (await start()).close();
  expect(epochFaults(dir.path, [readRootKey(join(keysDir, 'verification.key'))], keysDir)).toEqual([]);
});

it('seals once and takes nothing more when it is stopped while a due epoch waits for room; the next start goes on', async () => {
  using dir = tempDir();
  using disk = smallDisk(MIB);
  const keysDir = join(disk.path, 'keys');
  let nowNs = START_NS;
  const start = () => startWriter(dir.path, { wall: () => nowNs, keysDir, sealLimits: { afterMs: 1000 } });
  const writer = await start();
  await writer.append([{ message: 'acknowledged' }]);
  disk.fill(0);
  nowNs += 2_000_000_000n;
  writer.writer.tick();
  await expect.poll(() => leavesOf(dir.path).at(-1)?.type).toBe(LEAF_TYPES.epochSeal);
  const { length } = leavesOf(dir.path);
  const refused = writer.append([{ message: 'in vain' }]);
  await Promise.all([expect(refused).rejects.toMatchObject({ code: 'disk-full' }), writer.close()]);
  expect(leavesOf(dir.path)).toHaveLength(length);
  expect(readFileSync(join(keysDir, 'epoch.key'), 'latin1').split('\n')[1]).toBe('0');
  disk.free();
  const again = await start();
  await again.append([{ message: 'after' }]);
  await again.close();
  expect(epochFaults(dir.path, [readRootKey(join(keysDir, 'verification.key'))], keysDir)).toEqual([]);
});
