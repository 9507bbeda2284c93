import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, linkSync, readdirSync, readFileSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { segmentName } from '../../src/kernel/leaf.ts';
import { tempDir } from '../support/temp-dir.ts';
import { frames, WatchedFolder } from '../support/watched-folder.ts';

const [OLD, ACTIVE] = [0, 512];
const FRAME_BYTES = frames(0, 1).length;

let dir: ReturnType<typeof tempDir>;
let folder: WatchedFolder;

beforeEach(async () => {
  dir = tempDir();
  folder = new WatchedFolder(join(dir.path, 'data'));
  folder.addOld(OLD, 2);
  writeFileSync(folder.segmentPath(ACTIVE), frames(ACTIVE, 10));
  await folder.begin();
});
afterEach(async () => {
  await folder[Symbol.asyncDispose]();
  dir[Symbol.dispose]();
});

function run(command: string, ...args: string[]): void {
  const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  // tar answers 1 when a file changed while it was read, which the canary does.
  expect(command === 'tar' && status === 1 ? 0 : status, stderr).toBe(0);
}

describe('nothing is found in', () => {
  it('reading, copying and packing everything', async () => {
    for (let i = 0; i < 3; i++) {
      run('tar', '-cf', join(dir.path, 'backup.tar'), '-C', folder.dataDir, '.');
      run('tar', '--atime-preserve=replace', '-cf', join(dir.path, 'backup.tar'), '-C', folder.dataDir, '.');
      run('cp', '-a', folder.dataDir, join(dir.path, `copy-${i}`));
      for (const name of readdirSync(folder.segments)) readFileSync(join(folder.segments, name));
    }
    expect(await folder.found()).toEqual([]);
  });

  it('another mode or owner of segments and folders, and it is reported as accepted', async () => {
    chmodSync(folder.segmentPath(OLD), 0o440);
    chmodSync(folder.segmentPath(ACTIVE), 0o640);
    for (const name of ['.', 'ledger', 'ledger/segments', 'keys']) chmodSync(folder.path(name), 0o750);
    const { uid, gid } = statSync(folder.segmentPath(OLD));
    chownSync(folder.segmentPath(OLD), uid, gid);
    expect(await folder.found()).toEqual([]);
    expect(folder.accepted).toContain(`ledger/segments/${segmentName(OLD)}`);
  });

  it('a mode that changes before the content has been read for the first time', async () => {
    const other = tempDir();
    await using fresh = new WatchedFolder(join(other.path, 'data'));
    fresh.addOld(0, 256);
    writeFileSync(fresh.segmentPath(65_536), frames(65_536, 1));
    await fresh.begin();
    chmodSync(fresh.segmentPath(0), 0o400);
    await fresh.until(() => fresh.accepted.length > 0, 'the judgement by the tree');
    expect(await fresh.found()).toEqual([]);
    other[Symbol.dispose]();
  });

  it('a backup that makes hard links of segments', async () => {
    linkSync(folder.segmentPath(OLD), join(dir.path, 'link'));
    await sleep(200);
    unlinkSync(join(dir.path, 'link'));
    expect(await folder.found()).toEqual([]);
  });

  it('our own writes, however small, with every file that a commit replaces', async () => {
    for (let i = 0; i < 400; i++) {
      folder.append(ACTIVE, frames(ACTIVE + 10 + i, 1), (10 + i) * FRAME_BYTES);
      folder.replace('checkpoint', 'ledger/checkpoint', `note ${i}`);
      folder.mark(Buffer.alloc(8192, `mark ${i}`));
      if (i % 100 === 0) folder.replace('epoch-key', 'keys/epoch.key', `epoch ${i}`);
      if (i % 3 === 0) await sleep(1);
    }
    expect(await folder.found()).toEqual([]);
  });

  it('large entries in many rotations', async () => {
    let first = ACTIVE;
    folder.append(first, frames(first + 10, 246), 10 * FRAME_BYTES);
    for (let segment = 0; segment < 8; segment++) {
      folder.journal.sealed(first, statSync(folder.segmentPath(first)).size);
      first += 256;
      const bytes = frames(first, 256, 60_000);
      for (let at = 0; at < bytes.length; at += 4 * 1024 * 1024) folder.append(first, bytes.subarray(at, at + 4 * 1024 * 1024), at);
      await sleep(20);
    }
    expect(await folder.found()).toEqual([]);
  });

  it('a group that is cut back on a full disk and written again, in its segment and in the next', async () => {
    for (let i = 0; i < 20; i++) {
      folder.append(ACTIVE, frames(ACTIVE + 10, 50), 10 * FRAME_BYTES);
      folder.append(ACTIVE + 60, frames(ACTIVE + 60, 5), 0);
      folder.cut(ACTIVE + 60, 0);
      folder.cut(ACTIVE, 10 * FRAME_BYTES);
      await sleep(i * 3);
    }
    folder.append(ACTIVE, frames(ACTIVE + 10, 80), 10 * FRAME_BYTES);
    expect(await folder.found()).toEqual([]);
  });

  it('an index that appears beside a full segment, and retention that moves it and removes the segment', async () => {
    folder.addIndex(OLD);
    expect(await folder.found(400)).toEqual([]);
    folder.prune(OLD);
    expect(await folder.found()).toEqual([]);
  });

  it('a verification key that is moved off the machine', async () => {
    unlinkSync(folder.path('keys/verification.key'));
    expect(await folder.found()).toEqual([]);
  });
});

const isImmutable = (path: string): boolean => /^\S*i/.test(spawnSync('lsattr', ['--', path], { encoding: 'utf8' }).stdout);

it('makes segments of an earlier life immutable once their content is known, and finds nothing in it', async () => {
  const other = tempDir();
  await using fresh = new WatchedFolder(join(other.path, 'data'), true);
  fresh.addOld(0, 1);
  writeFileSync(fresh.segmentPath(256), frames(256, 1));
  await fresh.begin();
  await fresh.until(() => isImmutable(fresh.segmentPath(0)) || fresh.troubles.length > 0, 'the flag, or the reason why there is none');
  expect(isImmutable(fresh.segmentPath(256))).toBe(false);
  await sleep(300);
  expect(fresh.detections).toEqual([]);
  spawnSync('chattr', ['-i', '--', fresh.segmentPath(0)]);
  other[Symbol.dispose]();
});

it('makes sealed segments immutable where it may, and retention can still remove them', async () => {
  const other = tempDir();
  await using fresh = new WatchedFolder(join(other.path, 'data'), true);
  writeFileSync(fresh.segmentPath(0), frames(0, 10));
  await fresh.begin();
  fresh.append(0, frames(10, 246), 10 * FRAME_BYTES);
  fresh.append(256, frames(256, 1), 0);
  fresh.journal.sealed(0, 256 * FRAME_BYTES);
  const isSealed = (): boolean => isImmutable(fresh.segmentPath(0));
  await fresh.until(() => isSealed() || fresh.troubles.length > 0, 'the flag, or the reason why there is none');
  if (isSealed()) {
    expect(() => unlinkSync(fresh.segmentPath(0))).toThrow(/EPERM/);
    fresh.journal.pruned(0);
    await fresh.until(() => !isSealed(), 'the cleared flag');
  } else fresh.journal.pruned(0);
  unlinkSync(fresh.segmentPath(0));
  await sleep(300);
  expect(fresh.detections).toEqual([]);
  other[Symbol.dispose]();
});
