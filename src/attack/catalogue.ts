import { tileEdit } from './archive/tile-edit.ts';
import { tileEntryEdit } from './archive/tile-entry-edit.ts';
import type { Attack } from './attack.ts';
import { backup } from './benign/backup.ts';
import { logRotation } from './benign/log-rotation.ts';
import { operatorChmod } from './benign/operator-chmod.ts';
import { tornWrite } from './benign/torn-write.ts';
import { bitFlip } from './content/bit-flip.ts';
import { collapseRange } from './content/collapse-range.ts';
import { counterWrap } from './content/counter-wrap.ts';
import { deleteHead } from './content/delete-head.ts';
import { deleteMiddle } from './content/delete-middle.ts';
import { deleteRenumber } from './content/delete-renumber.ts';
import { editKeepTimes } from './content/edit-keep-times.ts';
import { editRehash } from './content/edit-rehash.ts';
import { foreignAppend } from './content/foreign-append.ts';
import { holePunch } from './content/hole-punch.ts';
import { insert } from './content/insert.ts';
import { mmapStoreDirty } from './content/mmap-store-dirty.ts';
import { mmapStore } from './content/mmap-store.ts';
import { reorder } from './content/reorder.ts';
import { replay } from './content/replay.ts';
import { spliceOtherLedger } from './content/splice-other-ledger.ts';
import { spliceOtherLife } from './content/splice-other-life.ts';
import { zeroFill } from './content/zero-fill.ts';
import { zeroMacs } from './content/zero-macs.ts';
import { crashShave } from './end/crash-shave.ts';
import { dropSeals } from './end/drop-seals.ts';
import { fakeTornTail } from './end/fake-torn-tail.ts';
import { lyingDisk } from './end/lying-disk.ts';
import { truncateFrame } from './end/truncate-frame.ts';
import { truncateInsideFrame } from './end/truncate-inside-frame.ts';
import { truncateRegrow } from './end/truncate-regrow.ts';
import { truncateToCheckpoint } from './end/truncate-to-checkpoint.ts';
import { truncateToSeal } from './end/truncate-to-seal.ts';
import { bindMountWrite } from './files/bind-mount-write.ts';
import { deleteLastSegment } from './files/delete-last-segment.ts';
import { deleteSegment } from './files/delete-segment.ts';
import { directorySwap } from './files/directory-swap.ts';
import { duplicateSegment } from './files/duplicate-segment.ts';
import { exchange } from './files/exchange.ts';
import { hardLinkWrite } from './files/hard-link-write.ts';
import { hostileLength } from './files/hostile-length.ts';
import { hostileNames } from './files/hostile-names.ts';
import { overmount } from './files/overmount.ts';
import { renameOverSegment } from './files/rename-over.ts';
import { rollbackDirectory } from './files/rollback-directory.ts';
import { swapSegmentNames } from './files/swap-segment-names.ts';
import { symlink } from './files/symlink.ts';
import { checkpointRollback } from './heads/checkpoint-rollback.ts';
import { indexEdit } from './heads/index-edit.ts';
import { lockEdit } from './heads/lock-edit.ts';
import { noteKeyIdCollision, noteRepeatedLines, noteCrlf, noteLeadingZeros, noteManySignatures } from './heads/note-forms.ts';
import { swapKeyFile } from './heads/swap-key-file.ts';
import { swapVerifierKey } from './heads/swap-verifier-key.ts';
import { watermarkEdit } from './heads/watermark-edit.ts';
import { watermarkErase } from './heads/watermark-erase.ts';
import { blindCanary } from './process/blind-canary.ts';
import { blindWatcher } from './process/blind-watcher.ts';
import { secondWriter } from './process/second-writer.ts';
import { silenceStop, silenceKill } from './process/silence.ts';
import { backDatePast } from './secrets/back-date-past.ts';
import { clockJump } from './secrets/clock-jump.ts';
import { clockRewind } from './secrets/clock-rewind.ts';
import { deletePast } from './secrets/delete-past.ts';
import { editOwnSignature } from './secrets/edit-own-signature.ts';
import { equivocation } from './secrets/equivocation.ts';
import { fullRewrite } from './secrets/full-rewrite.ts';
import { nonCanonical } from './secrets/non-canonical.ts';
import { remacStolenKey } from './secrets/remac-stolen-key.ts';
import { rewriteRunning } from './secrets/rewrite-running.ts';
import { swapTrustRoot } from './secrets/swap-trust-root.ts';
import { unseal } from './secrets/unseal.ts';

/** Every attack of the catalogue and the controls that must stay quiet. Closed: names are part of docs/attacks.md. */
export const CATALOGUE: readonly Attack[] = [
  bitFlip,
  editKeepTimes,
  editRehash,
  insert,
  deleteMiddle,
  deleteRenumber,
  deleteHead,
  reorder,
  replay,
  spliceOtherLedger,
  spliceOtherLife,
  counterWrap,
  zeroMacs,
  zeroFill,
  holePunch,
  collapseRange,
  mmapStore,
  mmapStoreDirty,
  foreignAppend,
  editOwnSignature,
  remacStolenKey,
  fullRewrite,
  deletePast,
  backDatePast,
  rewriteRunning,
  equivocation,
  swapTrustRoot,
  unseal,
  clockRewind,
  clockJump,
  nonCanonical,
  truncateFrame,
  truncateInsideFrame,
  truncateToCheckpoint,
  truncateToSeal,
  dropSeals,
  truncateRegrow,
  fakeTornTail,
  crashShave,
  lyingDisk,
  checkpointRollback,
  noteKeyIdCollision,
  noteRepeatedLines,
  noteCrlf,
  noteLeadingZeros,
  noteManySignatures,
  watermarkEdit,
  watermarkErase,
  swapKeyFile,
  swapVerifierKey,
  indexEdit,
  lockEdit,
  renameOverSegment,
  exchange,
  hardLinkWrite,
  symlink,
  directorySwap,
  bindMountWrite,
  overmount,
  deleteSegment,
  deleteLastSegment,
  swapSegmentNames,
  duplicateSegment,
  rollbackDirectory,
  hostileNames,
  hostileLength,
  secondWriter,
  silenceStop,
  silenceKill,
  blindWatcher,
  blindCanary,
  tileEdit,
  tileEntryEdit,
  tornWrite,
  backup,
  operatorChmod,
  logRotation,
];

export function findAttack(name: string): Attack | undefined {
  return CATALOGUE.find((attack) => attack.name === name);
}
