import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openVersions } from '../../src/versions/open-versions.ts';
import type { Versions } from '../../src/versions/ports.ts';
import { VersionsError } from '../../src/versions/versions-error.ts';
import { MemoryLedger } from '../support/memory-ledger.ts';
import { noise, refusal } from '../support/store-in-hand.ts';
import { tempDir } from '../support/temp-dir.ts';

const MIB = 1024 * 1024;

interface Opened {
  readonly versions: Versions;
  readonly ledger: MemoryLedger;
  readonly troubles: VersionsError[];
  readonly put: (content: Uint8Array) => Promise<number>;
}

async function openIn(dataDir: string): Promise<Opened> {
  const ledger = new MemoryLedger({ clock: () => 1n });
  const troubles: VersionsError[] = [];
  const versions = await openVersions(
    { dataDir, bytesMax: 8 * MIB, limits: { artifactsMax: 10, versionsMax: 100, keep: undefined } },
    ledger,
    { trouble: (error) => troubles.push(error), reverted: () => undefined },
  );
  let precondition: Parameters<Versions['put']>[0]['precondition'] = 'none';
  const put = async (content: Uint8Array): Promise<number> => {
    async function* chunks(): AsyncGenerator<Uint8Array, void, undefined> {
      for (let at = 0; at < content.length; at += MIB) yield await Promise.resolve(content.subarray(at, at + MIB));
    }
    const { record } = await versions.put({ name: 'a', precondition }, await versions.stage(chunks()));
    precondition = { version: record.version, sha256: record.sha256 };
    return record.version;
  };
  return { versions, ledger, troubles, put };
}

it('a store of versions that is closed answers whoever still waits, and nobody later', async () => {
  using directory = tempDir();
  const { versions, put, troubles } = await openIn(directory.path);
  const content = noise(6 * MIB);
  for (let i = 0; i < 4; i++) {
    content[i * 1000] ^= 1;
    await put(content);
  }
  const readers = [versions.verify('a'), versions.open('a', 1), versions.diff('a', 1, 4), versions.open('a', 2)];
  const writers = [put(noise(100)), put(noise(100))];
  await new Promise((resolve) => setImmediate(resolve));
  const asked = Promise.allSettled([...readers, ...writers]);
  await versions.close();
  for (const outcome of await asked)
    if (outcome.status === 'rejected') {
      expect(outcome.reason).toBeInstanceOf(VersionsError);
      expect(['closed', 'version-conflict']).toContain((outcome.reason as VersionsError).code);
    }
  await refusal(versions.summary('a'), 'closed');
  await versions.close();
  expect(troubles).toEqual([]);

  const again = await openIn(directory.path);
  expect((await again.versions.verify('a')).damages).toEqual([]);
  expect(readdirSync(join(directory.path, 'versions', 'incoming'))).toEqual([]);
  await again.versions.close();
});

it('a version goes through the thread unchanged, and its watchers hear of it until they leave', async () => {
  using directory = tempDir();
  const { versions, put, ledger } = await openIn(directory.path);
  const heard: number[] = [];
  const leave = versions.watch('a', ({ version }) => heard.push(version));
  const content = noise(3 * MIB + 1);
  expect([await put(content), await put(content.subarray(0, -1))]).toEqual([1, 2]);
  leave();
  await put(noise(10));
  expect(heard).toEqual([1, 2]);
  const opened = await versions.open('a', 1);
  expect(readFileSync(opened.path).equals(content)).toBe(true);
  rmSync(opened.path);
  await refusal(versions.stage(endless()), 'too-large');
  expect(readdirSync(join(directory.path, 'versions', 'incoming'))).toEqual([]);
  // Of each change the attempt and its end.
  expect(ledger.head().size).toBeGreaterThanOrEqual(6);
  await versions.close();
});

async function* endless(): AsyncGenerator<Uint8Array, void, undefined> {
  for (;;) yield await Promise.resolve(noise(MIB));
}
