import { randomBytes } from 'node:crypto';
import { renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { LEDGER_ID_BYTES } from '../kernel/chain.ts';
import type { Clock } from '../kernel/clock.ts';
import { EMPTY_BATCH } from '../kernel/event-batch.ts';
import { segmentName } from '../kernel/leaf.ts';
import { nodeHashes } from '../kernel/node-hashes.ts';
import { formatVerifierKey } from '../kernel/note.ts';
import { checkpointNote } from './checkpoint.ts';
import { firstEpochState } from './epoch-state.ts';
import { makeDirectory, syncDirectory, writeNewFile } from './files.ts';
import { genesisPayload } from './genesis.ts';
import type { LedgerKeys } from './keys.ts';
import { LedgerState } from './ledger-state.ts';
import { ledgerDirPaths, type LedgerPaths } from './paths.ts';
import type { LedgerIdentity } from './ports.ts';
import { encodeSlot, slotOffset, watermarkKey, WATERMARK_FILE_BYTES } from './watermark.ts';

/**
 * Makes a ledger of one leaf, the genesis. It is built beside its place, made durable and renamed: a crash leaves the whole
 * ledger or none, never one without its watermark.
 */
export function createLedger(paths: LedgerPaths, keys: LedgerKeys, origin: string, clock: Clock): void {
  const building = ledgerDirPaths(`${paths.ledger}.new`);
  rmSync(building.ledger, { recursive: true, force: true });
  makeDirectory(building.segments);
  makeDirectory(building.quarantine);
  const ledgerId = randomBytes(LEDGER_ID_BYTES);
  const identity: LedgerIdentity = { ledgerId, origin, verifierKey: formatVerifierKey(nodeHashes, origin, keys.publicKey) };
  const state = new LedgerState(identity, firstEpochState(keys.epoch, true));
  state.begin(clock());
  state.stageRequest({ events: EMPTY_BATCH, record: { type: 'genesis', payload: genesisPayload(identity, keys.epoch) } });
  writeNewFile(join(building.segments, segmentName(0)), state.staged().group);
  const note = checkpointNote(identity, keys.signingKey, keys.epoch.signer(identity), state.size, state.frontier.root());
  writeNewFile(building.checkpoint, note, 0o644);
  writeNewFile(building.verifierKey, `${identity.verifierKey}\n`, 0o644);
  writeNewFile(building.watermark, freshWatermark(0, state, note));
  syncDirectory(building.ledger);
  renameSync(building.ledger, paths.ledger);
  syncDirectory(dirname(paths.ledger));
}

/** A whole watermark file: generations g and g + 1 (g even), both of the state's size and running epoch. */
export function freshWatermark(generation: number, state: LedgerState, note: string): Buffer {
  const file = Buffer.alloc(WATERMARK_FILE_BYTES);
  const { epoch, keys } = state.epochs;
  const key = watermarkKey(nodeHashes, keys.macKey);
  const checkpointHash = nodeHashes.sha256(Buffer.from(note));
  for (const g of [generation, generation + 1]) {
    file.set(
      encodeSlot(nodeHashes, key, { generation: g, epoch, size: state.size, mac: state.chain.mac(), checkpointHash }),
      slotOffset(g),
    );
  }
  return file;
}
