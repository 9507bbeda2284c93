import { copyFileSync, existsSync, mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { copyLedger } from '../attack/copy-ledger.ts';
import { LedgerView, type ViewOptions } from '../attack/ledger-view.ts';
import type { Evidence } from './attack-verify.ts';
import type { Faults } from './options.ts';

export const ATTACK_OPTIONS = {
  on: { type: 'string' },
  'keys-dir': { type: 'string' },
  'copy-to': { type: 'string' },
  older: { type: 'string' },
  archive: { type: 'string' },
  at: { type: 'string' },
  seed: { type: 'string' },
  pid: { type: 'string' },
  json: { type: 'boolean' },
} as const;

type AttackValues = { readonly [Name in Exclude<keyof typeof ATTACK_OPTIONS, 'json'>]?: string | undefined };

export interface AttackTarget {
  readonly view: LedgerView;
  /** What a verifier gets afterwards; taken before anything is changed. */
  readonly evidence: Evidence;
}

const SEED_MAX = 2 ** 31 - 1;
const PID_MAX = 2 ** 22;

export function readViewOptions(values: AttackValues, faults: Faults): ViewOptions | undefined {
  const at = faults.integer('--at', values.at, 0, Number.MAX_SAFE_INTEGER);
  const seed = faults.integer('--seed', values.seed, 0, SEED_MAX);
  const pid = faults.integer('--pid', values.pid, 1, PID_MAX);
  if (values.on === undefined) return faults.add('--on DIR is needed: the data folder to attack a copy of');
  return { dataDir: values.on, keysDir: values['keys-dir'], at, seed, pid, olderDir: values.older, archiveDir: values.archive };
}

/** Copies the folder and keeps, beside the copy, what a verifier elsewhere would hold: checkpoint and root key of before. */
export function copyTarget(options: ViewOptions, parent: string | undefined): AttackTarget {
  const copy = copyLedger(options, parent);
  const view = new LedgerView({ ...options, ...copy });
  return { view, evidence: keepEvidence(view, join(copy.dataDir, '..', 'kept')) };
}

/** No copy: the evidence alone is put aside. */
export function targetInPlace(options: ViewOptions): AttackTarget {
  const view = new LedgerView(options);
  return { view, evidence: keepEvidence(view, mkdtempSync(join(tmpdir(), 'proofs-kept-'))) };
}

function keepEvidence(view: LedgerView, folder: string): Evidence {
  mkdirSync(folder, { recursive: true });
  const anchorFile = join(folder, 'checkpoint');
  copyFileSync(view.path('checkpoint'), anchorFile);
  const held = ['verification.key', 'hmac.key'].find((name) => existsSync(join(view.keysDir, name)));
  const rootKeyFile = held === undefined ? undefined : join(folder, held);
  if (held !== undefined && rootKeyFile !== undefined) copyFileSync(join(view.keysDir, held), rootKeyFile);
  const { dataDir, keysDir, archiveDir } = view;
  const archive = archiveDir === undefined ? undefined : { dir: archiveDir, anchorFile: join(folder, 'archive.checkpoint') };
  if (archive !== undefined) copyFileSync(join(archive.dir, 'checkpoint'), archive.anchorFile);
  const { publicKey, isSealing } = view.identity();
  return { dataDir, keysDir, rootKeyFile, anchorFile, archive, verifierKey: publicKey, isUnsealed: !isSealing };
}
