import { join } from 'node:path';
import { readU32, toHex } from '../kernel/bytes.ts';
import { epochKeyName } from '../kernel/epoch.ts';
import { LEAF_TYPES, parseSegmentName } from '../kernel/leaf.ts';
import { assemble } from './assemble.ts';
import { AttackError } from './attack-error.ts';
import { isThere, namesIn, readAll, remove, rewrite, writeWhole } from './disk.ts';
import { toDraft, type Draft } from './draft.ts';
import { forgeCheckpoint, type Signer } from './forge-note.ts';
import { forgeWatermark, generationOf } from './forge-watermark.ts';
import { toSegmentFiles } from './frames.ts';
import type { Identity } from './identity.ts';
import type { LedgerView } from './ledger-view.ts';
import { ThiefKeys } from './thief-keys.ts';

/**
 * The strongest intruder who cannot read the past: every file of the machine at this moment, the running epoch's keys and the log
 * key among them. Rewrites the ledger so that everything that can be made to fit does.
 */
export class Thief {
  readonly view: LedgerView;
  readonly identity: Identity;
  readonly keys: ThiefKeys;
  readonly #logSigner: Signer;

  constructor(view: LedgerView) {
    this.view = view;
    this.identity = view.identity();
    const { epoch, logKey } = view.loot();
    if (epoch === undefined) throw new AttackError('not-possible', `no epoch key lies in "${view.keysDir}"`);
    if (logKey === undefined) throw new AttackError('not-possible', `no log.key lies in "${view.keysDir}"`);
    this.keys = new ThiefKeys(epoch, this.identity.ledgerId);
    this.#logSigner = { name: this.identity.origin, key: logKey };
  }

  drafts(): Draft[] {
    return this.view.leaves().map((leaf) => toDraft(leaf));
  }

  assemble(drafts: readonly Draft[]): Buffer[] {
    return assemble(drafts, this.identity.ledgerId, (epoch) => this.keys.macKey(epoch));
  }

  /** Signed with the log key, and with the epoch key where the running epoch is one whose key was taken. */
  checkpoint(leaves: readonly Uint8Array[]): string {
    const epoch = runningEpoch(leaves);
    const epochKey = this.keys.signingKey(epoch);
    const signers = epochKey === undefined ? [] : [{ name: epochKeyName(this.identity.origin, epoch), key: epochKey }];
    return forgeCheckpoint(this.identity.origin, leaves, [this.#logSigner, ...signers]);
  }

  /** Puts the leaves on the disk, with checkpoint, watermark and epoch key to match. */
  publish(leaves: readonly Buffer[]): void {
    this.writeSegments(leaves);
    this.writeHeads(leaves, this.checkpoint(leaves));
  }

  writeSegments(leaves: readonly Buffer[]): void {
    const folder = this.view.path('segments');
    const files = toSegmentFiles(leaves);
    for (const name of namesIn(folder)) if (parseSegmentName(name) !== undefined && !files.has(name)) remove(join(folder, name));
    for (const [name, content] of files) {
      const path = join(folder, name);
      if (!isThere(path)) writeWhole(path, content);
      else rewriteWhereDifferent(path, content);
    }
  }

  writeHeads(leaves: readonly Buffer[], checkpoint: string): void {
    rewrite(this.view.path('checkpoint'), Buffer.from(checkpoint));
    this.writeWatermark(leaves, checkpoint);
    const epoch = runningEpoch(leaves);
    const [key, seed] = [this.keys.macKey(epoch), this.keys.seed(epoch)];
    if (key === undefined || seed === undefined || epoch === this.keys.stolenAt) return;
    writeWhole(join(this.view.keysDir, 'epoch.key'), `proofs/epoch-key/v1\n${epoch}\n${toHex(key)}\n${toHex(seed)}\n`);
  }

  /** In the name of the running epoch if its key is known, or else of the one whose key was taken. */
  writeWatermark(leaves: readonly Uint8Array[], checkpoint: string): void {
    const path = this.view.path('watermark');
    const epoch = Math.max(runningEpoch(leaves), this.keys.stolenAt);
    const key = this.keys.macKey(epoch) ?? new Uint8Array(32);
    const claim = { epoch, key, size: leaves.length, lastLeaf: leaves[leaves.length - 1], checkpoint };
    rewrite(path, forgeWatermark(claim, generationOf(readAll(path)) + 1));
  }
}

/** The epoch that the next leaf would have. */
export function runningEpoch(leaves: readonly Uint8Array[]): number {
  const last = leaves[leaves.length - 1];
  return readU32(last, 12) + (last[1] === LEAF_TYPES.epochSeal ? 1 : 0);
}

function rewriteWhereDifferent(path: string, content: Buffer): void {
  const old = readAll(path);
  if (old.equals(content)) return;
  const shared = Math.min(old.length, content.length);
  let from = 0;
  while (from < shared && old[from] === content[from]) from++;
  rewrite(path, content, from);
}
