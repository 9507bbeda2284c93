import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LEAF_TYPES } from '../../src/kernel/leaf.ts';
import { EpochKeys } from '../../src/ledger/epoch-keys.ts';
import { openLedger } from '../../src/ledger/open-ledger.ts';
import { batchOf } from '../support/batch-of.ts';
import { epochFaults, leavesOf } from '../support/epoch-oracle.ts';
import { tempDir } from '../support/temp-dir.ts';

const GOLDEN = fileURLToPath(new URL('../golden/ledger-v1', import.meta.url));
const ROOT_KEY = Buffer.alloc(32, 0x11);
let dir: ReturnType<typeof tempDir>;
const key = (name: string): string => join(dir.path, 'keys', name);

beforeEach(() => {
  dir = tempDir();
  cpSync(GOLDEN, dir.path, { recursive: true });
  // What a checkout makes of key files depends on the umask.
  for (const name of readdirSync(join(dir.path, 'keys'))) {
    const content = readFileSync(key(name));
    rmSync(key(name));
    writeFileSync(key(name), content, { mode: 0o600 });
  }
});
afterEach(() => dir[Symbol.dispose]());

async function appendOne(): Promise<void> {
  // Its epoch 0 is as old as the golden ledger: it would be sealed at once.
  const ledger = await openLedger({ dataDir: dir.path, sealAfterMs: 1e12 });
  await ledger.append({ events: batchOf([{ message: 'under seal' }]) });
  await ledger.close();
}

describe('a ledger made before sealing existed', () => {
  it('keeps every leaf it had, and begins to seal with a config leaf in its epoch 0', async () => {
    const before = leavesOf(dir.path);
    await appendOne();
    const leaves = leavesOf(dir.path);
    expect(leaves.slice(0, before.length).map((leaf) => Buffer.from(leaf.bytes))).toEqual(before.map((leaf) => Buffer.from(leaf.bytes)));
    const added = leaves.slice(before.length).filter((leaf) => leaf.type !== LEAF_TYPES.minuteSummary);
    expect(added.map((leaf) => [leaf.type, leaf.epoch])).toEqual([
      [LEAF_TYPES.config, 0],
      [LEAF_TYPES.event, 0],
      [LEAF_TYPES.epochSeal, 0],
    ]);
    expect(epochFaults(dir.path, [ROOT_KEY])).toEqual([]);
    expect(readdirSync(join(dir.path, 'keys'))).toEqual(['epoch.key', 'log.key', 'verification.key']);
    await appendOne();
    expect(epochFaults(dir.path, [ROOT_KEY])).toEqual([]);
    expect(leavesOf(dir.path).filter((leaf) => leaf.type === LEAF_TYPES.config)).toHaveLength(1);
  });

  it.each([
    ['the root key written', ['verification.key']],
    ['both new keys written, the old one still there', ['verification.key', 'epoch.key']],
  ])('goes on when a start was killed with %s', async (_state, written) => {
    if (written.includes('verification.key')) writeFileSync(key('verification.key'), readFileSync(key('hmac.key')), { mode: 0o600 });
    if (written.includes('epoch.key')) writeFileSync(key('epoch.key'), EpochKeys.ofRoot(ROOT_KEY).format(), { mode: 0o600 });
    await appendOne();
    expect(epochFaults(dir.path, [ROOT_KEY])).toEqual([]);
    expect(readdirSync(join(dir.path, 'keys'))).toEqual(['epoch.key', 'log.key', 'verification.key']);
  });

  it('refuses an hmac.key of another ledger and leaves all files as they are', async () => {
    writeFileSync(key('hmac.key'), `${'99'.repeat(32)}\n`, { mode: 0o600 });
    await expect(openLedger({ dataDir: dir.path })).rejects.toMatchObject({ code: 'key-mismatch' });
    expect(readdirSync(join(dir.path, 'keys'))).toEqual(['hmac.key', 'log.key']);
  });

  it('refuses an hmac.key beside an epoch key that does not descend from it', async () => {
    writeFileSync(key('epoch.key'), EpochKeys.ofRoot(Buffer.alloc(32, 5), 3).format(), { mode: 0o600 });
    await expect(openLedger({ dataDir: dir.path })).rejects.toMatchObject({ code: 'bad-key' });
    expect(readFileSync(key('hmac.key'), 'utf8')).toBe(`${ROOT_KEY.toString('hex')}\n`);
  });
});
