import { LEAF_HEADER_BYTES } from '../../kernel/leaf.ts';
import type { Attack } from '../attack.ts';
import { appendFrame } from '../append-frame.ts';
import { withOtherMessage } from '../leaf-text.ts';

const SEQ_AT = 4;

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
    // As plausible as can be without a key: the next number, epoch and time of the entry before.
    const before = view.place(view.size() - 1).frame.leaf;
    const leaf = withOtherMessage(frame.leaf);
    leaf.set(before.subarray(SEQ_AT, LEAF_HEADER_BYTES), SEQ_AT);
    leaf.writeBigUInt64BE(BigInt(view.size()), SEQ_AT);
    const { path, at, isUndone } = appendFrame(view, leaf);
    return { leaves: undefined, note: `appended a made-up leaf ${view.size()} at byte ${at} of ${path}`, isUndone };
  },
};
