import { StreamBuffers } from '../kernel/stream-buffers.ts';
import { Draft } from './disk.ts';
import type { VersionPaths } from './paths.ts';
import type { StagedContent } from './ports.ts';
import { toVersionsError } from './to-versions-error.ts';
import { VersionsError } from './versions-error.ts';

/** Takes a content in: durable and hashed, in a file without a name. Whatever goes wrong, nothing is left of it. */
export async function stageContent(paths: VersionPaths, chunks: AsyncIterable<Uint8Array>, bytesMax: number): Promise<StagedContent> {
  const draft = await Draft.open(paths.fresh()).catch((error: unknown) => Promise.reject(toVersionsError(error)));
  const buffers = new StreamBuffers();
  try {
    for await (const chunk of chunks) {
      if (draft.bytes + chunk.length > bytesMax)
        throw new VersionsError('too-large', `the content has more than ${bytesMax} bytes (PROOFS_VERSIONS_BYTES)`);
      await draft.append(chunk).catch((error: unknown) => Promise.reject(toVersionsError(error)));
      buffers.passed(chunk.length);
    }
    return { path: draft.path, ...(await draft.finish().catch((error: unknown) => Promise.reject(toVersionsError(error)))) };
  } catch (error) {
    await draft.drop();
    throw error;
  }
}
