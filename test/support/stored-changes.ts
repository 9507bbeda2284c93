import { LEAF_TYPES } from '../../src/kernel/leaf.ts';
import { storedLeaves } from './stored-leaves.ts';

/** What the ledger on the disk says of changes to artifacts. */
export async function storedChanges(dataDir: string): Promise<readonly Record<string, unknown>[]> {
  const changes = (await storedLeaves(dataDir)).filter(({ type }) => type === LEAF_TYPES.versionChange);
  return changes.map(({ payload }) => JSON.parse(Buffer.from(payload).toString('utf8')) as Record<string, unknown>);
}
