import { createHash } from 'node:crypto';
import { applyStream } from './apply-stream.ts';
import type { ByteSource } from './byte-source.ts';
import { chooseBody, type BodySide } from './choose-body.ts';
import { Draft, FileSource } from './disk.ts';
import { invertOps, type ContentId, type Op } from './patch.ts';
import { openPatch } from './patch-format.ts';
import type { VersionPaths } from './paths.ts';
import type { BodyKind } from './ports.ts';
import { VersionsError } from './versions-error.ts';

/** A durable patch without a name yet. */
export interface BuiltPatch extends ContentId {
  readonly path: string;
}

export type BuiltBody = { readonly kind: 'full' } | { readonly kind: Exclude<BodyKind, 'full'>; readonly patch: BuiltPatch };

/** The smallest body between two contents, tried in both directions before anybody relies on it. */
export async function buildPatch(paths: VersionPaths, from: BodySide, to: BodySide): Promise<BuiltBody> {
  const chosen = await chooseBody(from, to, () => Draft.open(paths.fresh()));
  if (chosen.kind === 'full') return chosen;
  const draft = chosen.draft as Draft;
  try {
    const patch = { path: draft.path, ...(await draft.finish()) };
    await using file = await FileSource.open(draft.path);
    const reader = await openPatch(file);
    await assertLeadsTo(reader.ops(), from.source, to.id);
    await assertLeadsTo(inverted(reader.ops()), to.source, from.id);
    return { kind: chosen.kind, patch };
  } catch (error) {
    await draft.drop();
    throw error;
  }
}

export async function* inverted(ops: AsyncIterable<Op>): AsyncGenerator<Op, void, undefined> {
  for await (const op of ops) yield* invertOps([op]);
}

async function assertLeadsTo(ops: AsyncIterable<Op>, source: ByteSource, { sha256, bytes }: ContentId): Promise<void> {
  const hash = createHash('sha256');
  let made = 0;
  for await (const chunk of applyStream(ops, source)) {
    hash.update(chunk);
    made += chunk.length;
  }
  if (made !== bytes || hash.digest('hex') !== sha256)
    throw new VersionsError('version-io', 'the patch that was made does not lead from one content to the other: nothing was changed');
}
