import { TAMPERED, type Attack } from '../attack.ts';
import { keepTimes, writeAt } from '../disk.ts';
import { otherLetter } from '../leaf-text.ts';

/** More events than the kernel queues for one watcher (fs.inotify.max_queued_events is 16,384 unless changed). */
const EVENTS = 20_000;

export const blindWatcher: Attack = {
  name: 'blind-watcher',
  summary: 'the watcher’s event queue is flooded until the kernel drops events, and an edit slipped in',
  needs: [],
  isHarmful: true,
  expected: TAMPERED,
  isLocated: true,
  live: 'detected',
  apply(view) {
    const { seq, path, frame, messageAt } = view.victim();
    for (let event = 0; event < EVENTS; event++) keepTimes(path, () => undefined);
    writeAt(path, messageAt, otherLetter(frame.leaf[messageAt - frame.at - 2]));
    return { leaves: { first: seq, last: seq }, note: `caused ${EVENTS} events on ${path} and changed one letter of leaf ${seq}` };
  },
};
