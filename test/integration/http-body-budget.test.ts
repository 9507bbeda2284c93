import type { AddressInfo } from 'node:net';
import fastify, { type FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { registerProblems } from '../../src/http/plugins/problems.ts';
import { registerBodyReader } from '../../src/http/plugins/read-body.ts';
import { Observer } from '../../src/observe/observer.ts';
import { openRaw, postHead, readAll, statusesOf } from '../support/raw-http.ts';

const BODY_BYTES_MAX = 1000;
const HELD_BYTES_MAX = 2500;

let app: FastifyInstance;
let port = 0;
/** Lets the handler of /events finish. */
let release: () => void = () => undefined;
beforeEach(async () => {
  const released = new Promise<void>((resolve) => (release = resolve));
  app = fastify({ logger: false });
  registerProblems(app, new Observer(pino({ level: 'silent' }), '0.0.0'));
  registerBodyReader(app, ['application/x-ndjson'], BODY_BYTES_MAX, HELD_BYTES_MAX);
  app.post<{ Body: Buffer }>('/events', ({ body }) =>
    (body.includes('wait') ? released : Promise.resolve()).then(() => ({ bytes: body.length })),
  );
  await app.listen({ host: '127.0.0.1', port: 0 });
  ({ port } = app.server.address() as AddressInfo);
});
afterEach(async () => {
  release();
  app.server.closeAllConnections();
  await app.close();
});

const body = (bytes: number, text = ''): string => `${postHead(`Content-Length: ${bytes}`)}${text.padEnd(bytes, 'x')}`;
const isWhole = (text: string): boolean => text.endsWith('}');
const send = async (bytes: number): Promise<string> => readAll(await openRaw(port, body(bytes)), isWhole);

describe('the budget for bodies', () => {
  it('counts what has arrived: announced bytes that do not come cost nothing', async () => {
    const silent = await Promise.all(Array.from({ length: 20 }, () => openRaw(port, postHead('Content-Length: 1000'))));
    expect(statusesOf(await send(1000))).toEqual([200]);
    for (const socket of silent) socket.destroy();
  });

  it('refuses with 503 what would go beyond it, while those that fit are answered', async () => {
    const held = await Promise.all([1, 2].map(() => openRaw(port, body(1000, 'wait'))));
    await expect.poll(async () => statusesOf(await send(501))).toEqual([503]);
    const refused = await send(501);
    expect(refused).toMatch(/retry-after: [1-9]/);
    expect(refused).toContain('urn:post-incident-proofs:error:queue-full');
    expect(statusesOf(await send(500))).toEqual([200]);
    release();
    for (const socket of held) expect(statusesOf(await readAll(socket, isWhole))).toEqual([200]);
  });

  it('has everything back when bodies were answered, refused or abandoned, any number of times', async () => {
    for (let i = 0; i < 20; i++) {
      expect(statusesOf(await send(1000))).toEqual([200]);
      expect(statusesOf(await send(1001))).toEqual([413]);
      (await openRaw(port, body(1000).slice(0, -1))).resetAndDestroy();
    }
    release();
    await expect
      .poll(async () => {
        const texts = await Promise.all([send(1000), send(1000)]);
        return texts.flatMap(statusesOf);
      })
      .toEqual([200, 200]);
  });
});
