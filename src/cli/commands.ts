import { attackAll } from './attack-all.ts';
import { attackList } from './attack-list.ts';
import { attack } from './attack.ts';
import { bundleBuild } from './bundle-build.ts';
import { bundleVerify } from './bundle-verify.ts';
import type { Command } from './command.ts';
import { importCommand } from './import.ts';
import { keygen } from './keygen.ts';
import { limitsValidate } from './limits-validate.ts';
import { logArchive } from './log-archive.ts';
import { logCat } from './log-cat.ts';
import { logGrep } from './log-grep.ts';
import { logProof } from './log-proof.ts';
import { logTail } from './log-tail.ts';
import { logVerify } from './log-verify.ts';
import { versionsDiff } from './versions-diff.ts';
import { versionsFsck } from './versions-fsck.ts';
import { versionsGet } from './versions-get.ts';
import { versionsList } from './versions-list.ts';
import { versionsPut } from './versions-put.ts';
import { versionsRollback } from './versions-rollback.ts';
import { versionsConfirm, versionsHold, versionsPin, versionsRelease, versionsUnpin } from './versions-switches.ts';
import { versionsSync } from './versions-sync.ts';
import { versionsVerify } from './versions-verify.ts';

/** Every command, in the order of the overview. */
export const COMMANDS: readonly Command[] = [
  keygen,
  importCommand,
  logVerify,
  logCat,
  logTail,
  logGrep,
  logProof,
  logArchive,
  bundleBuild,
  bundleVerify,
  versionsPut,
  versionsList,
  versionsGet,
  versionsDiff,
  versionsRollback,
  versionsConfirm,
  versionsHold,
  versionsRelease,
  versionsPin,
  versionsUnpin,
  versionsVerify,
  versionsFsck,
  versionsSync,
  limitsValidate,
  attackList,
  attackAll,
  attack,
];
