import type { Attack } from '../attack.ts';
import { bytesOf, writeAt } from '../disk.ts';

export const tornWrite: Attack = {
  name: 'benign-torn-write',
  summary: 'control: half an entry that was never acknowledged lies at the end, as a crash leaves it',
  needs: [],
  isHarmful: false,
  expected: { root: 'TORN_TAIL', anchor: 'TORN_TAIL', public: 'TORN_TAIL' },
  isLocated: false,
  live: { exempt: 'a crash has no live sidecar; recovery cuts such a tail and says so' },
  apply(view) {
    const seq = view.size() - 1;
    const { segment, frame } = view.place(seq);
    const half = Buffer.alloc(2 + Math.floor(frame.leaf.length / 2));
    half.writeUInt16BE(frame.leaf.length, 0);
    half.set(frame.leaf.subarray(0, half.length - 2), 2);
    half.writeBigUInt64BE(BigInt(seq + 1), 2 + 4);
    writeAt(segment.path, bytesOf(segment.path), half);
    return { leaves: undefined, note: `left half of a leaf ${seq + 1} at the end of ${segment.path}` };
  },
};
