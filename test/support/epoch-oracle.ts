import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromUtf8, toHex } from '../../src/kernel/bytes.ts';
import { chainMac, GENESIS_PREVIOUS_MAC } from '../../src/kernel/chain.ts';
import { verifyEd25519 } from '../../src/kernel/ed25519.ts';
import { epochKeyName, nextEpochKey } from '../../src/kernel/epoch.ts';
import { FLAG_LAST_OF_REQUEST, LEAF_TYPES, type Leaf } from '../../src/kernel/leaf.ts';
import { nodeHashes } from '../../src/kernel/node-hashes.ts';
import { isSignedBy, parseCheckpoint, parseVerifierKey } from '../../src/kernel/note.ts';
import { parseFrames } from '../../src/ledger/read-block.ts';

/** All leaves on the disk, in order. */
export function leavesOf(dataDir: string): Leaf[] {
  const directory = join(dataDir, 'ledger', 'segments');
  return readdirSync(directory)
    .toSorted()
    .flatMap((name) => parseFrames(readFileSync(join(directory, name))));
}

interface Seal {
  readonly epoch: number;
  readonly firstSeq: number;
  readonly count: number;
  readonly lastMac: string;
  readonly openedNs: string;
  readonly nextEpochKey: string;
  readonly final: boolean;
}

const payloadOf = (leaf: Leaf): Record<string, unknown> => JSON.parse(fromUtf8(leaf.payload)) as Record<string, unknown>;

/**
 * Everything docs/formats/ledger.md says about epochs, checked plainly on what lies on the disk: each leaf's epoch and MAC from the root
 * keys (one for each lineage), each seal's fields, the checkpoint's epoch signature. Answers what is wrong, nothing when all is well.
 */
export function epochFaults(dataDir: string, rootKeys: readonly Uint8Array[], keysDir = join(dataDir, 'keys')): string[] {
  const faults: string[] = [];
  const leaves = leavesOf(dataDir);
  const genesis = payloadOf(leaves[0]);
  const ledgerId = Buffer.from(genesis.ledgerId as string, 'hex');
  const keys = [...rootKeys];
  let key = keys.shift() ?? new Uint8Array(32);
  let epochKey = genesis.epochKey as string | undefined;
  let epoch = 0;
  let firstSeq = 0;
  let openedNs = leaves[0].timeNs;
  let previous: Uint8Array = GENESIS_PREVIOUS_MAC;
  let isRotated = false;
  for (const leaf of leaves) {
    const place = `entry ${leaf.seq}`;
    if (leaf.epoch !== epoch) faults.push(`${place} has epoch ${leaf.epoch}, not ${epoch}`);
    if (toHex(chainMac(nodeHashes, key, ledgerId, previous, leaf.bytes)) !== toHex(leaf.mac)) faults.push(`${place} has another MAC`);
    if (leaf.type === LEAF_TYPES.config) epochKey ??= payloadOf(leaf).epochKey as string | undefined;
    if (leaf.type === LEAF_TYPES.epochSeal) {
      const seal: Partial<Seal> = payloadOf(leaf);
      const expected = { epoch, firstSeq, count: leaf.seq - firstSeq, lastMac: toHex(previous), openedNs: String(openedNs) };
      if (JSON.stringify({ ...seal, ...expected }) !== JSON.stringify(seal)) faults.push(`${place}: ${JSON.stringify(seal)}`);
      if ((leaf.flags & FLAG_LAST_OF_REQUEST) === 0) faults.push(`${place} is a seal inside a request`);
      epoch++;
      firstSeq = leaf.seq + 1;
      openedNs = leaf.timeNs;
      epochKey = seal.nextEpochKey;
      const evolved = nextEpochKey(nodeHashes, key, ledgerId, epoch);
      key = isRotated ? (keys.shift() ?? new Uint8Array(32)) : evolved;
    }
    isRotated = leaf.type === LEAF_TYPES.keyRotate;
    previous = leaf.mac;
  }
  const { signatures, ...note } = parseCheckpoint(readFileSync(join(dataDir, 'ledger', 'checkpoint'), 'utf8'));
  if (note.size !== leaves.length) faults.push(`the checkpoint is of ${note.size} entries, not ${leaves.length}`);
  const verifier = epochKey === undefined ? undefined : parseVerifierKey(nodeHashes, epochKey);
  const isSigned = verifier?.name === epochKeyName(note.origin, epoch) && isSignedBy({ ...note, signatures }, verifier, verifyEd25519);
  if (!isSigned) faults.push(`the checkpoint is not signed by the key of epoch ${epoch}`);
  const running = Number(readFileSync(join(keysDir, 'epoch.key'), 'latin1').split('\n')[1]);
  if (running !== epoch) faults.push(`epoch.key is of epoch ${running}, the ledger runs ${epoch}`);
  return faults;
}
