import { expect, it } from 'vitest';
import { MinuteCounter } from '../../src/ledger/minute-counter.ts';

it('two counters that begin at the same mark count apart', () => {
  const before = new MinuteCounter();
  before.countLeaves(0, 5, 0n);
  const mark = before.mark();
  const [first, second] = [new MinuteCounter(), new MinuteCounter()];
  first.reset(mark);
  first.countLeaves(5, 3, 1n);
  second.reset(mark);
  second.countLeaves(5, 3, 1n);
  expect([mark?.leaves, first.mark()?.leaves, second.mark()?.leaves]).toEqual([5, 8, 8]);
});
