import { connect, type Socket } from 'node:net';
import fastify from 'fastify';
import { pino } from 'pino';
import { afterEach, expect, it } from 'vitest';
import { registerAnswerBudget } from '../../src/http/plugins/answer-budget.ts';
import { registerProblems } from '../../src/http/plugins/problems.ts';
import { Observer } from '../../src/observe/observer.ts';

const ANSWER_BYTES = 8 * 1024 * 1024;
const sockets: Socket[] = [];

afterEach(() => {
  for (const socket of sockets) socket.destroy();
});

it('refuses large answers while others stand unread, and gives the room back when those clients go', async () => {
  const app = fastify();
  registerProblems(app, new Observer(pino({ level: 'silent' }), '0'));
  registerAnswerBudget(app, 2 * ANSWER_BYTES);
  app.get('/large', () => 'x'.repeat(ANSWER_BYTES));
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  const status = async (): Promise<number> => {
    const answer = await fetch(`${url}/large`, { headers: { connection: 'close' } });
    await answer.text();
    return answer.status;
  };
  const untilStatus = async (wanted: number): Promise<void> => {
    while ((await status()) !== wanted) await new Promise((resolve) => setTimeout(resolve, 20));
  };
  expect(await status()).toBe(200);
  for (let i = 0; i < 2; i++) {
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write('GET /large HTTP/1.1\r\nhost: a\r\n\r\n'));
    socket.pause();
    sockets.push(socket);
  }
  await untilStatus(503);
  for (const socket of sockets) socket.destroy();
  await untilStatus(200);
  await app.close();
});
