import { createTwoFilesPatch } from 'diff';
import { buildPatch } from './build-patch.ts';
import { FileSource, removeFile } from './disk.ts';
import { jsonChanges } from './json-changes.ts';
import { consumes, produces } from './patch.ts';
import { openPatch } from './patch-format.ts';
import type { VersionPaths } from './paths.ts';
import type { StagedContent, VersionDiff, VersionRecord } from './ports.ts';

/** Contents that are shown as texts or as JSON; larger ones as ranges. */
const SHOWN_BYTES_MAX = 1024 * 1024;
const RANGES_MAX = 1000;
/** Lines that differ: beyond, finding the shortest diff takes too long, and nobody reads it. */
const EDITS_MAX = 5000;
const UNIFIED_CHARS_MAX = 1024 * 1024;
const CONTEXT_LINES = 3;

/** How two contents differ, in the form that says most: JSON, text or ranges of bytes. */
export async function diffContents(
  paths: VersionPaths,
  old: { readonly record: VersionRecord; readonly staged: StagedContent },
  next: { readonly record: VersionRecord; readonly staged: StagedContent },
): Promise<VersionDiff> {
  await using before = await FileSource.open(old.staged.path);
  await using after = await FileSource.open(next.staged.path);
  const named = { from: old.record, to: next.record };
  const texts = await readTexts(before, after);
  if (texts !== undefined) {
    const values = texts.map(parseJson);
    if (values[0] !== undefined && values[1] !== undefined)
      return { ...named, format: 'json', ...jsonChanges(values[0].value, values[1].value) };
    const unified = unify(texts, old.record, next.record);
    if (unified !== undefined)
      return { ...named, format: 'text', isCapped: unified.length > UNIFIED_CHARS_MAX, unified: unified.slice(0, UNIFIED_CHARS_MAX) };
  }
  const body = await buildPatch(paths, { id: old.staged, source: before }, { id: next.staged, source: after });
  if (body.kind === 'full')
    return { ...named, format: 'binary', isCapped: false, ranges: [{ oldAt: 0, oldBytes: before.bytes, newAt: 0, newBytes: after.bytes }] };
  try {
    return { ...named, format: 'binary', ...(await readRanges(body.patch.path)) };
  } finally {
    await removeFile(body.patch.path);
  }
}

async function readRanges(path: string): Promise<{ isCapped: boolean; ranges: NonNullable<VersionDiff['ranges']> }> {
  await using file = await FileSource.open(path);
  const ranges: { oldAt: number; oldBytes: number; newAt: number; newBytes: number }[] = [];
  let [oldAt, newAt] = [0, 0];
  for await (const op of (await openPatch(file)).ops()) {
    const [oldBytes, newBytes] = [consumes(op), produces(op)];
    const last = ranges.at(-1);
    if (op.kind !== 'copy') {
      if (last !== undefined && last.oldAt + last.oldBytes === oldAt && last.newAt + last.newBytes === newAt) {
        last.oldBytes += oldBytes;
        last.newBytes += newBytes;
      } else if (ranges.length === RANGES_MAX) return { isCapped: true, ranges };
      else ranges.push({ oldAt, oldBytes, newAt, newBytes });
    }
    oldAt += oldBytes;
    newAt += newBytes;
  }
  return { isCapped: false, ranges };
}

/** Undefined unless both are small and are texts. */
async function readTexts(before: FileSource, after: FileSource): Promise<readonly [string, string] | undefined> {
  if (before.bytes > SHOWN_BYTES_MAX || after.bytes > SHOWN_BYTES_MAX) return undefined;
  const texts = [await before.read(0, before.bytes), await after.read(0, after.bytes)].map(toText);
  return texts[0] === undefined || texts[1] === undefined ? undefined : [texts[0], texts[1]];
}

function toText(bytes: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return text.includes('\0') ? undefined : text;
  } catch {
    return undefined;
  }
}

function parseJson(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

function unify([before, after]: readonly [string, string], old: VersionRecord, next: VersionRecord): string | undefined {
  return createTwoFilesPatch(`version ${old.version}`, `version ${next.version}`, before, after, old.at, next.at, {
    context: CONTEXT_LINES,
    maxEditLength: EDITS_MAX,
  });
}
