import { spawnSync } from 'node:child_process';
import {
  closeSync,
  copyFileSync,
  cpSync,
  appendFileSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { segmentName } from '../../src/kernel/leaf.ts';
import { tempDir } from '../support/temp-dir.ts';
import { frames, WatchedFolder } from '../support/watched-folder.ts';

/** Counters of the two segments that a start finds sealed, and of the one that it goes on with. */
const [OLD, SECOND, ACTIVE] = [0, 512, 1024];
/** A few looks: what was just sealed is among the sealed ones then. */
const SETTLE_MS = 300;
const FRAME_BYTES = frames(0, 1).length;

const nameOf = (first: number): string => `ledger/segments/${segmentName(first)}`;

let dir: ReturnType<typeof tempDir>;
let folder: WatchedFolder;

beforeEach(async () => {
  dir = tempDir();
  folder = new WatchedFolder(join(dir.path, 'data'));
  folder.addOld(OLD, 2);
  folder.addOld(SECOND, 2);
  writeFileSync(folder.segmentPath(ACTIVE), frames(ACTIVE, 10));
  await folder.begin();
});
afterEach(async () => {
  await folder[Symbol.asyncDispose]();
  dir[Symbol.dispose]();
});

function overwrite(path: string, at: number, bytes: string): void {
  const fd = openSync(path, 'r+');
  writeSync(fd, bytes, at);
  closeSync(fd);
}

/** The segment that was just written and sealed, by announcements. */
function rotate(): number {
  folder.append(ACTIVE, frames(ACTIVE + 10, 502), 10 * FRAME_BYTES);
  const next = ACTIVE + 512;
  folder.append(next, frames(next, 3), 0);
  folder.journal.sealed(ACTIVE, 512 * FRAME_BYTES);
  return next;
}

describe.each([
  ['a sealed segment of an earlier life', () => OLD, 512],
  ['the segment that is being written', () => ACTIVE, 10],
  [
    'a segment that was just sealed',
    () => {
      rotate();
      return ACTIVE;
    },
    512,
  ],
])('in %s', (_, prepare, leaves) => {
  let first: number;
  let path: string;

  beforeEach(async () => {
    first = prepare();
    path = folder.segmentPath(first);
    expect(await folder.found(SETTLE_MS)).toEqual([]);
  });

  it('an edit is found, with the bytes and entries it is in', async () => {
    overwrite(path, 5 * FRAME_BYTES + 40, 'forged');
    const { kind, bytes, seqs } = await folder.detection(nameOf(first));
    expect(kind).toBe('content');
    expect(bytes?.first).toBeLessThanOrEqual(5 * FRAME_BYTES + 40);
    expect(bytes?.last).toBeGreaterThanOrEqual(5 * FRAME_BYTES + 45);
    expect(seqs?.first).toBeLessThanOrEqual(first + 5);
    expect(seqs?.last).toBeGreaterThanOrEqual(first + 5);
  });

  it('an edit is found although its trace in the modification time was wiped', async () => {
    const { atime, mtime } = statSync(path);
    overwrite(path, 2 * FRAME_BYTES + 30, '!');
    utimesSync(path, atime, mtime);
    expect((await folder.detection(nameOf(first))).kind).toBe('content');
  });

  it('an edit through a hard link elsewhere is found', async () => {
    const link = join(dir.path, 'elsewhere');
    linkSync(path, link);
    overwrite(link, 100, 'x');
    expect((await folder.detection(nameOf(first), 'content')).bytes?.first).toBeLessThanOrEqual(100);
  });

  it('an edit through a memory mapping is found', async () => {
    const store = 'import mmap,sys\nf=open(sys.argv[1],"r+b")\nm=mmap.mmap(f.fileno(),0)\nm[77]=m[77]^255\n';
    const { status, stderr } = spawnSync('python3', ['-c', store, path], { encoding: 'utf8' });
    expect(status, `this test needs python3 (apt-get install python3): ${stderr}`).toBe(0);
    expect((await folder.detection(nameOf(first))).kind).toBe('content');
  });

  it('a hole is found', async () => {
    const { status, stderr } = spawnSync('fallocate', ['-p', '-o', '0', '-l', '512', path], { encoding: 'utf8' });
    expect(status, `this test needs fallocate (apt-get install util-linux): ${stderr}`).toBe(0);
    expect((await folder.detection(nameOf(first))).kind).toBe('content');
  });

  it('a cut is found, with what is gone', async () => {
    truncateSync(path, 4 * FRAME_BYTES);
    const { kind, bytes, seqs } = await folder.detection(nameOf(first));
    expect(kind).toBe('truncated');
    expect(bytes).toEqual({ first: 4 * FRAME_BYTES, last: leaves * FRAME_BYTES - 1 });
    expect(seqs?.first).toBe(first + 4);
  });

  it('appended bytes are found', async () => {
    appendFileSync(path, 'more');
    const { kind, bytes } = await folder.detection(nameOf(first));
    expect(kind).toBe('extended');
    expect(bytes).toEqual({ first: leaves * FRAME_BYTES, last: leaves * FRAME_BYTES + 3 });
  });

  it('another file in its place is found, also one with the same content', async () => {
    const copy = join(dir.path, 'copy');
    copyFileSync(path, copy);
    renameSync(copy, path);
    expect((await folder.detection(nameOf(first))).kind).toBe('replaced');
  });

  it('a symbolic link in its place is found', async () => {
    const moved = join(dir.path, 'moved');
    renameSync(path, moved);
    symlinkSync(moved, path);
    const { kind } = await folder.detection(nameOf(first), 'replaced');
    expect(kind).toBe('replaced');
  });

  it('its removal is found', async () => {
    unlinkSync(path);
    const { kind, seqs } = await folder.detection(nameOf(first));
    expect(kind).toBe('missing');
    expect(seqs?.first).toBe(first);
  });
});

describe('elsewhere', () => {
  it('swapped names of two sealed segments are found, for both', async () => {
    const [a, b, between] = [folder.segmentPath(OLD), folder.segmentPath(SECOND), join(dir.path, 'between')];
    renameSync(a, between);
    renameSync(b, a);
    renameSync(between, b);
    expect((await folder.detection(nameOf(OLD), 'replaced')).kind).toBe('replaced');
    expect((await folder.detection(nameOf(SECOND), 'replaced')).kind).toBe('replaced');
  });

  it('a modification time that was set back over the same content is found', async () => {
    utimesSync(folder.segmentPath(OLD), new Date(1000), new Date(1000));
    expect((await folder.detection(nameOf(OLD))).kind).toBe('metadata');
  });

  it.each([segmentName(4096), 'notes.txt'])('a new file in the segments folder is found: %s', async (name) => {
    writeFileSync(join(folder.segments, name), 'x');
    expect((await folder.detection(`ledger/segments/${name}`)).kind).toBe('foreign-file');
  });

  it.each(['ledger/segments', 'ledger', 'keys', '.'])('another folder in the place of %s is found', async (name) => {
    const path = join(folder.dataDir, name);
    const copy = join(dirname(folder.dataDir), 'copy');
    cpSync(path, copy, { recursive: true, preserveTimestamps: true });
    renameSync(path, join(dirname(folder.dataDir), 'old'));
    renameSync(copy, path);
    expect((await folder.detection(name)).kind).toMatch(/^(?:replaced|missing)$/);
  });

  it('goes on watching what stands in a folder that was swapped', async () => {
    const copy = join(dir.path, 'copy');
    cpSync(folder.segments, copy, { recursive: true });
    renameSync(folder.segments, join(dir.path, 'old'));
    renameSync(copy, folder.segments);
    await folder.detection(nameOf(SECOND), 'replaced');
    overwrite(folder.segmentPath(SECOND), 50, 'forged');
    expect((await folder.detection(nameOf(SECOND), 'content')).bytes?.first).toBeLessThanOrEqual(50);
  });

  it.each([
    ['ledger/checkpoint', 'extended'],
    ['ledger/watermark', 'content'],
    ['ledger/log.vkey', 'extended'],
    ['keys/log.key', 'extended'],
    ['keys/epoch.key', 'extended'],
    ['keys/verification.key', 'extended'],
  ])('an edit of %s is found', async (name, kind) => {
    if (kind === 'extended') appendFileSync(folder.path(name), 'x');
    else overwrite(folder.path(name), 4096, 'forged');
    expect((await folder.detection(name)).kind).toBe(kind);
  });

  it.each(['ledger/checkpoint', 'ledger/watermark', 'ledger/log.vkey', 'keys/log.key', 'keys/epoch.key', 'ledger.lock'])(
    'the removal of %s is found',
    async (name) => {
      unlinkSync(folder.path(name));
      expect((await folder.detection(name)).kind).toBe('missing');
    },
  );

  it.each([
    ['an edit', (path: string) => overwrite(path, 3, 'X'), 'content'],
    ['a cut', (path: string) => truncateSync(path, 4), 'truncated'],
    ['the removal', (path: string) => unlinkSync(path), 'missing'],
  ] as const)('%s of a segment index is found', async (__, attack, kind) => {
    folder.addIndex(OLD);
    expect(await folder.found(SETTLE_MS)).toEqual([]);
    attack(folder.indexPath(OLD));
    expect((await folder.detection(`ledger/index/${basename(folder.indexPath(OLD))}`)).kind).toBe(kind);
  });

  it('an edit of the index that is all that retention left of a segment is found', async () => {
    folder.addIndex(OLD);
    folder.prune(OLD);
    expect(await folder.found(SETTLE_MS)).toEqual([]);
    overwrite(folder.indexPath(OLD, 'pruned'), 3, 'X');
    expect((await folder.detection(`ledger/pruned/${basename(folder.indexPath(OLD))}`)).kind).toBe('content');
  });

  it('the segments go on being watched when the folder of keys or indexes is gone', async () => {
    rmSync(folder.path('keys'), { recursive: true });
    await folder.detection('keys', 'missing');
    overwrite(folder.segmentPath(OLD), 10, 'forged');
    expect((await folder.detection(nameOf(OLD))).kind).toBe('content');
  });

  it('a watermark that goes back to an earlier state is found', async () => {
    const states = ['first', 'second', 'third'].map((fill) => Buffer.alloc(8192, fill));
    for (const state of states) folder.mark(state);
    expect(await folder.found(SETTLE_MS)).toEqual([]);
    writeFileSync(folder.path('ledger/watermark'), states[0]);
    expect((await folder.detection('ledger/watermark')).kind).toBe('content');
  });

  it('a file that was put in the place of a cut segment is found again, for each attack anew', async () => {
    truncateSync(folder.segmentPath(OLD), 100);
    await folder.detection(nameOf(OLD), 'truncated');
    overwrite(folder.segmentPath(OLD), 10, 'again');
    expect((await folder.detection(nameOf(OLD), 'content')).bytes?.first).toBe(0);
    unlinkSync(folder.segmentPath(OLD));
    expect((await folder.detection(nameOf(OLD), 'missing')).kind).toBe('missing');
  });
});

describe('what blinds the watch is found', () => {
  it('when its canary is removed', async () => {
    unlinkSync(folder.path('.watch-canary'));
    expect(await folder.detection('.watch-canary')).toMatchObject({ kind: 'watch-dead' });
    overwrite(folder.segmentPath(OLD), 10, 'x');
    expect((await folder.detection(nameOf(OLD))).kind).toBe('content');
  });

  it('when its canary is replaced', async () => {
    writeFileSync(folder.path('cuckoo'), '');
    renameSync(folder.path('cuckoo'), folder.path('.watch-canary'));
    expect(await folder.detection('.watch-canary')).toMatchObject({ kind: 'watch-dead' });
  });

  it('when everything it watches is gone', async () => {
    rmSync(folder.dataDir, { recursive: true });
    expect((await folder.detection('.')).kind).toBe('missing');
    mkdirSync(folder.dataDir);
    await folder.until(() => folder.detections.some(({ file, kind }) => file === 'ledger' && kind === 'missing'), 'the ledger folder');
  });
});

describe('content that only the tree can judge', () => {
  it('was changed before this life began: found by the first reading, by block', async () => {
    const later = tempDir();
    await using other = new WatchedFolder(join(later.path, 'data'));
    other.addOld(0, 3);
    writeFileSync(other.segmentPath(768), frames(768, 1));
    overwrite(other.segmentPath(0), 300 * FRAME_BYTES + 40, 'before');
    await other.begin();
    const { kind, bytes, seqs } = await other.detection(nameOf(0));
    expect(kind).toBe('content');
    expect(bytes).toEqual({ first: 256 * FRAME_BYTES, last: 512 * FRAME_BYTES - 1 });
    expect(seqs).toEqual({ first: 256, last: 511 });
    later[Symbol.dispose]();
  });

  it('is told as written to at once, and as changed when the tree has been asked', async () => {
    const later = tempDir();
    await using other = new WatchedFolder(join(later.path, 'data'));
    // So large that the first reading does not come to the last one before the attack.
    for (const first of [0, 16_384, 32_768]) other.addOld(first, 64);
    writeFileSync(other.segmentPath(49_152), frames(49_152, 1));
    await other.begin();
    overwrite(other.segmentPath(32_768), 300 * FRAME_BYTES + 40, 'edit');
    const { bytes, seqs } = await other.detection(nameOf(32_768), 'content');
    expect(bytes?.first).toBe(256 * FRAME_BYTES);
    expect(seqs).toEqual({ first: 32_768 + 256, last: 32_768 + 511 });
    expect(other.detections.map(({ kind }) => kind)).toEqual(['metadata', 'content']);
    later[Symbol.dispose]();
  });

  it('has tamper records of an earlier life: they are reported with their counters', async () => {
    const later = tempDir();
    await using other = new WatchedFolder(join(later.path, 'data'));
    other.addOld(0, 2, 40, { 17: 11, 300: 11 });
    writeFileSync(other.segmentPath(512), frames(512, 1));
    await other.begin();
    await other.until(() => other.tampers.length === 2, 'both records');
    expect(other.tampers).toEqual([17, 300]);
    later[Symbol.dispose]();
  });
});

describe('in the midst of our own writes', () => {
  /** Writes leaf by leaf for about half a second, with the files that go with each commit; what happens at leaf 150 is the attack. */
  async function write(attack: () => void): Promise<void> {
    for (let i = 0; i < 300; i++) {
      folder.append(ACTIVE, frames(ACTIVE + 10 + i, 1), (10 + i) * FRAME_BYTES);
      folder.replace('checkpoint', 'ledger/checkpoint', `note ${i}`);
      folder.mark(Buffer.alloc(8192, `mark ${i}`));
      if (i === 150) attack();
      if (i % 5 === 0) await sleep(5);
    }
  }

  it('an edit is found, and they are not', async () => {
    await write(() => overwrite(folder.segmentPath(ACTIVE), 12 * FRAME_BYTES + 30, 'forged'));
    expect(await folder.detection(nameOf(ACTIVE))).toMatchObject({ kind: 'content', seqs: { first: ACTIVE + 12, last: ACTIVE + 12 } });
    expect(folder.detections).toHaveLength(1);
  });

  it('a cut is found, although they go on behind it', async () => {
    await write(() => truncateSync(folder.segmentPath(ACTIVE), 40 * FRAME_BYTES));
    await folder.detection(nameOf(ACTIVE));
    expect(folder.detections.map(({ file }) => file)).toEqual(folder.detections.map(() => nameOf(ACTIVE)));
    expect(folder.detections.some(({ seqs }) => seqs?.first === ACTIVE + 40)).toBe(true);
  });

  it('the removal is found', async () => {
    await write(() => renameSync(folder.segmentPath(ACTIVE), join(dir.path, 'moved')));
    expect(['missing', 'truncated']).toContain((await folder.detection(nameOf(ACTIVE))).kind);
  });
});
