import { equalBytes } from '../kernel/bytes.ts';
import { nodeHashes } from '../kernel/node-hashes.ts';
import type { Checkpoint, SignedCheckpoint } from '../kernel/note.ts';
import { ownCheckpoint } from './checkpoint.ts';
import { readIfPresent } from './files.ts';
import type { LedgerKeys } from './keys.ts';
import { LedgerError } from './ledger-error.ts';
import type { LedgerPaths } from './paths.ts';
import type { LedgerIdentity } from './ports.ts';
import { parseWatermark, watermarkKey, WATERMARK_FILE_BYTES, type WatermarkState } from './watermark.ts';

/** Notes are a few hundred bytes. */
const NOTE_BYTES_MAX = 16_384;

/** What stood in the checkpoint lock when the start asked. */
export interface LockedNote {
  readonly location: string;
  readonly note: string;
}

/** All that a start holds the ledger against. */
export interface ExpectedHeads {
  readonly watermarkFile: Uint8Array;
  readonly marks: WatermarkState;
  readonly checkpointFile: Buffer | undefined;
  /** Undefined when the file is missing or not a note our key signed. */
  readonly checkpoint: SignedCheckpoint | undefined;
  readonly anchor: Checkpoint | undefined;
  readonly lock: Checkpoint | undefined;
  /** As many leaves were acknowledged: from the watermark, else from the operator's anchor. */
  readonly trustedSize: number;
}

/** Reads them; throws LedgerError when they cannot belong to this ledger or these keys. */
export function readExpectedHeads(
  paths: LedgerPaths,
  keys: LedgerKeys,
  identity: LedgerIdentity,
  anchorNote: string | undefined,
  locked: LockedNote | undefined,
): ExpectedHeads {
  const watermarkFile = readIfPresent(paths.watermark, WATERMARK_FILE_BYTES) ?? new Uint8Array(0);
  const marks = parseWatermark(nodeHashes, slotKeys(keys, identity), watermarkFile);
  const checkpointFile = readIfPresent(paths.checkpoint, NOTE_BYTES_MAX);
  const checkpoint = checkpointFile === undefined ? undefined : ownCheckpoint(checkpointFile.toString('utf8'), identity);
  const anchor = anchorNote === undefined ? undefined : ownCheckpoint(anchorNote, identity);
  if (anchorNote !== undefined && anchor === undefined)
    throw new LedgerError('bad-anchor', 'the anchor is not a checkpoint signed by this ledger');
  const lock = locked === undefined ? undefined : ownCheckpoint(locked.note, identity);
  if (locked !== undefined && lock === undefined)
    throw new LedgerError('forked', `the checkpoint lock ${locked.location} holds something else than a checkpoint signed by this ledger`);
  if (marks.newest === undefined) assertKeysOfThisState(keys, identity, marks, checkpoint);
  const trustedSize = marks.newest?.size ?? anchor?.size;
  if (trustedSize === undefined) {
    throw new LedgerError(
      'state-lost',
      `no readable watermark in ${paths.watermark}: how much was acknowledged is unknown; start once with --anchor FILE, a checkpoint of this ledger that you kept elsewhere`,
    );
  }
  return { watermarkFile, marks, checkpointFile, checkpoint, anchor, lock, trustedSize };
}

/** A kill may leave epoch.key one epoch behind: then the slots have the key that it leads to, by evolving or by a rotation. */
function slotKeys(keys: LedgerKeys, { ledgerId }: LedgerIdentity): Parameters<typeof parseWatermark>[1] {
  const { epoch, macKey } = keys.epoch;
  const own = [watermarkKey(nodeHashes, macKey)];
  const next = keys.epoch.next(ledgerId);
  const following = [watermarkKey(nodeHashes, next.macKey)];
  next.wipe();
  if (keys.rotated !== undefined) following.push(watermarkKey(nodeHashes, keys.rotated.macKey));
  return { epoch, candidates: (of) => (of === epoch ? own : of === epoch + 1 ? following : []) };
}

/** No slot verifies: before that is called lost state, is it the key that is not of this state? The signed checkpoint tells, too. */
function assertKeysOfThisState(
  keys: LedgerKeys,
  identity: LedgerIdentity,
  marks: WatermarkState,
  checkpoint: SignedCheckpoint | undefined,
): void {
  const { epoch } = keys.epoch;
  const signer = keys.epoch.signer(identity);
  const isForeign = checkpoint?.signatures.some(({ name, keyId }) => name === signer.name && keyId !== signer.keyId) ?? false;
  if (isForeign) throw new LedgerError('key-mismatch', `epoch.key is not the one that signed as epoch ${epoch} of this ledger`);
  // A key is replaced only after a slot of its epoch is durable.
  if (marks.earlierEpoch !== undefined)
    throw new LedgerError(
      'truncated',
      `epoch.key is of epoch ${epoch}, the watermark of epoch ${marks.earlierEpoch}: the ledger was cut or put back to an earlier state`,
    );
  if (marks.laterEpoch !== undefined)
    throw new LedgerError('key-mismatch', `epoch.key is of epoch ${epoch}, the watermark of epoch ${marks.laterEpoch}: it is an old copy`);
}

/** Notes the roots and the MAC that the ledger has at the expected sizes while it is walked. */
export class HeadCheck {
  readonly #heads: ExpectedHeads;
  readonly #roots = new Map<number, Uint8Array>();
  #markMac: Uint8Array | undefined;

  constructor(heads: ExpectedHeads) {
    this.#heads = heads;
  }

  /** To be called at every size; `root` and `mac` are only computed where they are expected. */
  at(size: number, root: () => Uint8Array, mac: () => Uint8Array): void {
    const { checkpoint, anchor, lock, marks } = this.#heads;
    if (size === checkpoint?.size || size === anchor?.size || size === lock?.size) this.#roots.set(size, root());
    if (size === marks.newest?.size) this.#markMac = mac();
  }

  /** The root of a size that was not walked. */
  root(size: number, root: Uint8Array): void {
    this.#roots.set(size, root);
  }

  /** So many leaves have a root that our key signed, and it is the one that they have. */
  coveredSize(): number {
    const { checkpoint, anchor, lock } = this.#heads;
    const right = [checkpoint, anchor, lock].filter((signed) => {
      const root = signed === undefined ? undefined : this.#roots.get(signed.size);
      return root !== undefined && signed !== undefined && equalBytes(root, signed.root);
    });
    return Math.max(0, ...right.map((signed) => signed?.size ?? 0));
  }

  assertAll(): void {
    const { checkpoint, anchor, lock, marks } = this.#heads;
    if (marks.newest !== undefined && this.#markMac !== undefined && !equalBytes(this.#markMac, marks.newest.mac))
      throw new LedgerError('tampered', `entry ${marks.newest.size - 1}: its MAC is not the acknowledged one`);
    for (const signed of [checkpoint, anchor]) {
      if (signed !== undefined && this.#contradicts(signed))
        throw new LedgerError(
          'tampered',
          `the first ${signed.size} entries do not have the root that was signed for them; pproofs log verify with the verification key names the place`,
        );
    }
    if (lock !== undefined && this.#contradicts(lock))
      throw new LedgerError('forked', `the first ${lock.size} entries do not have the root that stands in the checkpoint lock`);
  }

  #contradicts(signed: Checkpoint): boolean {
    const root = this.#roots.get(signed.size);
    return root !== undefined && !equalBytes(root, signed.root);
  }
}
