import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { confirmHead, holdHead, pinVersion } from '../../src/versions/alterations.ts';
import { VersionPaths } from '../../src/versions/paths.ts';
import { stageContent } from '../../src/versions/stage-content.ts';
import { VersionStore } from '../../src/versions/store.ts';
import type { VersionsError } from '../../src/versions/versions-error.ts';
import { FileAudit } from './file-audit.ts';

/** What is asked of the store. Contents have names: the same name, the same bytes. */
export type VersionStep =
  | { readonly kind: 'put'; readonly name: string; readonly content: string; readonly confirmWithinS?: number }
  | { readonly kind: 'rollback'; readonly name: string; readonly to: number; readonly hold?: boolean }
  | { readonly kind: 'pin' | 'unpin'; readonly name: string; readonly version: number }
  | { readonly kind: 'hold' | 'release' | 'confirm' | 'revert'; readonly name: string };

/** A store in one folder, its ledger beside it. */
export interface OpenedCase {
  readonly store: VersionStore;
  readonly paths: VersionPaths;
  readonly audit: FileAudit;
  readonly troubles: VersionsError[];
}

const CONTENT_BYTES_MAX = 1024 * 1024;
const CLOCK_MS = Date.UTC(2026, 0, 1);

export function auditPath(folder: string): string {
  return join(folder, 'audit.jsonl');
}

/** `clockMs`: beyond the usual one, for windows that end. */
export async function openCase(folder: string, keep: number | undefined, clockMs = 0): Promise<OpenedCase> {
  const audit = new FileAudit(auditPath(folder));
  const troubles: VersionsError[] = [];
  const store = await VersionStore.open({
    dataDir: folder,
    limits: { artifactsMax: 100, versionsMax: 1000, keep },
    audit,
    clock: () => BigInt(CLOCK_MS + clockMs) * 1_000_000n,
    changed: () => undefined,
    trouble: (error) => troubles.push(error),
  });
  return { store, paths: new VersionPaths(folder), audit, troubles };
}

/** Based on whatever is head now. */
export async function perform({ store, paths }: OpenedCase, step: VersionStep): Promise<void> {
  const { name, kind } = step;
  const precondition = headOf(store, name);
  if (kind === 'put') {
    const { confirmWithinS } = step;
    const staged = await stageContent(paths, chunksOf(contentOf(step.content)), CONTENT_BYTES_MAX);
    await store.put({ name, precondition: precondition ?? 'none', confirmWithinS }, staged);
  } else if (kind === 'rollback')
    await store.rollback({ name, to: step.to, reason: 'back', precondition, isDryRun: false, hold: step.hold ?? false });
  else if (kind === 'pin' || kind === 'unpin') await pinVersion(store, name, step.version, kind === 'pin', {});
  else if (kind === 'confirm') await confirmHead(store, name, {});
  else if (kind === 'revert') await store.revert(name);
  else await holdHead(store, name, kind === 'hold', { reason: 'why' });
}

function headOf(store: VersionStore, name: string): { version: number; sha256: string } | undefined {
  const found = store.list('', Number.MAX_SAFE_INTEGER).find((each) => each.name === name);
  return found === undefined ? undefined : { version: found.head.version, sha256: found.head.sha256 };
}

const TEXT = Array.from({ length: 300 }, (_, i) => `line ${i} of a text\n`).join('');

/** "noise…" resembles nothing; any other name is a text that differs from the others at two places. */
export function contentOf(content: string): Buffer {
  if (!content.startsWith('noise')) return Buffer.from(`${TEXT.slice(0, 1000)}${content}\n${TEXT.slice(1000)}${content}\n`);
  const parts = Array.from({ length: 20 }, (_, i) => createHash('sha256').update(`${content} ${i}`).digest());
  return Buffer.concat(parts);
}

async function* chunksOf(content: Buffer): AsyncGenerator<Uint8Array, void, undefined> {
  yield await Promise.resolve(content);
}
