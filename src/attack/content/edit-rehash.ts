import { TAMPERED, type Attack } from '../attack.ts';
import { writeAt } from '../disk.ts';
import { withOtherMessage } from '../leaf-text.ts';
import { rehashIndex } from '../rehash-index.ts';

export const editRehash: Attack = {
  name: 'edit-rehash',
  summary: 'an event is edited and the hashes kept beside the segment are made to fit',
  needs: ['index'],
  isHarmful: true,
  expected: TAMPERED,
  isLocated: true,
  live: 'detected',
  apply(view) {
    const { seq, path, frame } = view.victim((_, seq) => view.hasIndex(view.place(seq).segment));
    const { segment } = view.place(seq);
    const leaf = withOtherMessage(frame.leaf);
    const leaves = view.frames(segment).map((kept, index) => (index === seq - segment.first ? leaf : kept.leaf));
    writeAt(path, frame.at + 2, leaf);
    rehashIndex(view.indexPath(segment), leaves);
    return { leaves: { first: seq, last: seq }, note: `edited leaf ${seq} and put new block hashes into the segment's index` };
  },
};
