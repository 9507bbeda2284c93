import type { Attack } from '../attack.ts';
import { appendFrame } from '../append-frame.ts';
import { forgedEvent } from '../draft.ts';
import { runningEpoch, Thief } from '../thief.ts';

export const secondWriter: Attack = {
  name: 'second-writer',
  summary: 'a second process that holds the epoch key appends an event with a good MAC behind the writer’s back',
  needs: ['epoch-key', 'log-key'],
  isHarmful: false,
  expected: { root: 'OK_UNANCHORED', anchor: 'TORN_TAIL', public: 'TORN_TAIL' },
  isLocated: false,
  live: 'detected',
  apply(view) {
    const thief = new Thief(view);
    const drafts = thief.drafts();
    const model = { ...drafts[drafts.length - 1], epoch: runningEpoch(view.leaves()) };
    const leaf = thief.assemble([...drafts, forgedEvent(model, 'never happened')])[drafts.length];
    const { path, isUndone } = appendFrame(view, leaf);
    return { leaves: undefined, note: `appended leaf ${drafts.length} with a good MAC to ${path}`, isUndone };
  },
};
