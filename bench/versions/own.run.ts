/** `own.run.ts OLD NEXT PATCH`: writes our patch between two files, in a process of its own, and prints what that took as JSON. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { applyStream } from '../../src/versions/apply-stream.ts';
import { inverted } from '../../src/versions/build-patch.ts';
import { chooseBody } from '../../src/versions/choose-body.ts';
import { Draft, FileSource } from '../../src/versions/disk.ts';
import type { ByteSource } from '../../src/versions/byte-source.ts';
import { openPatch } from '../../src/versions/patch-format.ts';
import type { Op } from '../../src/versions/patch.ts';

const [oldPath, nextPath, patchPath] = process.argv.slice(2);
const [old, next] = [await FileSource.open(oldPath), await FileSource.open(nextPath)];
const [from, to] = [
  { id: { sha256: await old.sha256(), bytes: old.bytes }, source: old },
  { id: { sha256: await next.sha256(), bytes: next.bytes }, source: next },
];
let drafts = 0;
const startMs = performance.now();
const body = await chooseBody(from, to, () => Draft.open(`${patchPath}-${process.pid}-${drafts++}`));
const seconds = (performance.now() - startMs) / 1000;
// Before anything is checked, which takes memory of its own.
const peakMiB = Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) / 1024;

if (body.kind !== 'full') {
  const draft = body.draft as Draft;
  await draft.finish('passing');
  await using file = await FileSource.open(draft.path);
  const reader = await openPatch(file);
  if ((await hashOf(reader.ops(), old)) !== to.id.sha256 || (await hashOf(inverted(reader.ops()), next)) !== from.id.sha256)
    throw new Error('the patch does not lead there and back');
  await draft.drop();
}
console.log(JSON.stringify({ kind: body.kind, bytes: body.kind === 'full' ? next.bytes : body.draft.bytes, seconds, peakMiB }));

async function hashOf(ops: AsyncIterable<Op>, content: ByteSource): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of applyStream(ops, content)) hash.update(chunk);
  return hash.digest('hex');
}
