import { expect, it } from 'vitest';
import { Turns } from '../../src/http/turns.ts';

it('runs four tasks at a time, all of them in order, also when some fail', async () => {
  const turns = new Turns();
  let running = 0;
  let most = 0;
  const begun: number[] = [];
  const task = (id: number) => async (): Promise<number> => {
    begun.push(id);
    most = Math.max(most, ++running);
    await new Promise((resolve) => setImmediate(resolve));
    running--;
    if (id % 5 === 0) throw new Error(`task ${id}`);
    return id;
  };
  const ids = Array.from({ length: 30 }, (_, id) => id);
  const settled = await Promise.allSettled(ids.map((id) => turns.take(task(id))));
  expect(most).toBe(4);
  expect(begun).toEqual(ids);
  expect(settled.map((outcome) => outcome.status)).toEqual(ids.map((id) => (id % 5 === 0 ? 'rejected' : 'fulfilled')));
});

it('refuses with busy when a thousand wait', async () => {
  const turns = new Turns();
  let release: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => (release = resolve));
  const waiting = Array.from({ length: 1004 }, () => turns.take(() => gate));
  await expect(turns.take(() => gate)).rejects.toMatchObject({ code: 'busy' });
  release();
  await Promise.all(waiting);
});
