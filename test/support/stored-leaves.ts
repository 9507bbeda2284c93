import { LEAF_TYPES, type Leaf } from '../../src/kernel/leaf.ts';
import { openLedgerReader } from '../../src/ledger/open-reader.ts';

/** The leaves on the disk, by a reader that has nothing to do with the running writer. */
export async function storedLeaves(dataDir: string, first = 0): Promise<Leaf[]> {
  const leaves: Leaf[] = [];
  for await (const leaf of openLedgerReader(dataDir).leaves(first, Number.MAX_SAFE_INTEGER)) leaves.push(leaf);
  return leaves;
}

/** The same without minute summaries and seals: those come with the clock, whatever a test does. */
export async function storedByRequests(dataDir: string, first = 0): Promise<Leaf[]> {
  const ofTheClock: readonly number[] = [LEAF_TYPES.minuteSummary, LEAF_TYPES.epochSeal];
  return (await storedLeaves(dataDir, first)).filter((leaf) => !ofTheClock.includes(leaf.type));
}
