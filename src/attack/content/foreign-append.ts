import type { Attack } from '../attack.ts';
import { bytesOf, writeAt } from '../disk.ts';
import { joinFrames } from '../frames.ts';
import { withOtherMessage } from '../leaf-text.ts';

export const foreignAppend: Attack = {
  name: 'foreign-append',
  summary: 'a made-up event is appended to the newest segment by somebody else than the writer',
  needs: [],
  isHarmful: false,
  expected: { root: 'TORN_TAIL', anchor: 'TORN_TAIL', public: 'TORN_TAIL' },
  isLocated: false,
  live: 'detected',
  apply(view) {
    const { frame } = view.victim();
    const last = view.segments().at(-1);
    const path = last?.path ?? '';
    const leaf = withOtherMessage(frame.leaf);
    leaf.writeBigUInt64BE(BigInt(view.size()), 4);
    const at = bytesOf(path);
    writeAt(path, at, joinFrames([leaf]));
    return { leaves: undefined, note: `appended a made-up leaf ${view.size()} at byte ${at} of ${path}` };
  },
};
