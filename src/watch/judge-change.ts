import type { DetectionKind } from '../kernel/detection.ts';
import { isSameInode, type FileStat } from './file-stat.ts';

/**
 * What a difference between two looks at a file that nobody may change means, as far as the looks alone tell. `undefined`: the content
 * has to be read.
 */
export function judgeLook(before: FileStat, now: FileStat | undefined): DetectionKind | undefined {
  if (now === undefined) return 'missing';
  if (now.type !== 'file' || !isSameInode(before, now)) return 'replaced';
  if (now.size < before.size) return 'truncated';
  if (now.size > before.size) return 'extended';
  return undefined;
}

/**
 * The rest of the judgement, once the content is known. A changed mode, owner, link count or access time with the same content is an
 * operator's or a backup's business (`undefined`). A changed modification time is not: the bytes were written, or its trace was hidden.
 */
export function judgeContent(before: FileStat, now: FileStat, isContentSame: boolean): DetectionKind | undefined {
  if (!isContentSame) return 'content';
  return before.mtimeMs === now.mtimeMs ? undefined : 'metadata';
}
