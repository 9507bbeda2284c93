import { BundleError } from './bundle-error.ts';

/** Waiting callers beyond which new ones are refused: at a few seconds each the last one would wait half a minute. */
const WAITING_MAX = 8;

interface Line {
  waiting: number;
  last: Promise<unknown>;
}

const LINES = new WeakMap<object, Line>();

/** Runs the tasks of one owner one after the other. Rejects with BundleError `busy` when too many wait. */
export async function inTurn<T>(owner: object, task: () => Promise<T>): Promise<T> {
  const line = LINES.get(owner) ?? { waiting: 0, last: Promise.resolve() };
  LINES.set(owner, line);
  if (line.waiting > WAITING_MAX) throw new BundleError('busy', 'too many bundles are being built; try again in a few seconds');
  line.waiting++;
  const turn = line.last.then(task);
  line.last = turn.catch(() => undefined);
  try {
    return await turn;
  } finally {
    line.waiting--;
  }
}
