import { once } from 'node:events';
import type { Socket } from 'node:net';
import { Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { HttpError } from '../../src/http/http-error.ts';
import { Watchers } from '../../src/http/watchers.ts';
import { openRaw, readAll, statusesOf } from '../support/raw-http.ts';
import { startVersionsApp } from '../support/versions-app.ts';

/** Of apps whose clients are slow on purpose. */
const PACE_MS = 400;
const CHUNK = 'x'.repeat(64 * 1024);

function putHead(...headers: readonly string[]): string {
  return ['PUT /versions/a HTTP/1.1', 'Host: x', 'If-None-Match: *', ...headers, '', ''].join('\r\n');
}

/** Everything said so far holds `text`. */
async function waitFor(socket: Socket, text: string, said = { text: '' }): Promise<string> {
  while (!said.text.includes(text)) said.text += String((await once(socket, 'data'))[0]);
  return said.text;
}

describe('an upload', () => {
  it('may take longer than any other request, as long as it goes on', async () => {
    await using app = await startVersionsApp({ requestTimeoutMs: PACE_MS });
    const chunks = 12;
    const socket = await openRaw(app.port, putHead(`Content-Length: ${chunks * CHUNK.length}`, 'Connection: close'));
    const startMs = performance.now();
    for (let i = 0; i < chunks; i++) {
      await delay(PACE_MS / 2);
      socket.write(CHUNK);
    }
    expect(statusesOf(await readAll(socket))).toEqual([201]);
    expect(performance.now() - startMs).toBeGreaterThan(4 * PACE_MS);
    expect((await app.versions.summary('a')).head.bytes).toBe(chunks * CHUNK.length);
  });

  it('leaves the request behind it on its connection in a hurry', async () => {
    await using app = await startVersionsApp({ requestTimeoutMs: PACE_MS });
    const socket = await openRaw(app.port, putHead(`Content-Length: ${4 * CHUNK.length}`));
    for (let i = 0; i < 4; i++) {
      await delay(PACE_MS / 2);
      socket.write(CHUNK);
    }
    await waitFor(socket, '"version":1');
    socket.write('POST /events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{');
    expect(statusesOf(await readAll(socket))).toEqual([408]);
  });

  it.each([
    ['stalls', () => Promise.resolve()],
    [
      'drips',
      async (socket: Socket) => {
        for (let i = 0; i < 8; i++) {
          socket.write('x');
          await delay(PACE_MS / 4);
        }
      },
    ],
  ])('is refused with 408 when it %s, and nothing of it stays', async (_case, go) => {
    await using app = await startVersionsApp({ requestTimeoutMs: PACE_MS });
    const socket = await openRaw(app.port, `${putHead('Content-Length: 100000')}begin`);
    const answer = readAll(socket, (text) => text.includes('urn:uuid'));
    await go(socket);
    const text = await answer;
    expect(statusesOf(text)).toEqual([408]);
    expect(text).toContain('the body has stopped coming');
    expect(app.versions.staged.size).toBe(0);
    expect(app.versions.asked).toEqual([]);
  });

  it('whose client vanishes is dropped', async () => {
    await using app = await startVersionsApp();
    const socket = await openRaw(app.port, `${putHead('Content-Length: 100000')}begin`);
    await expect.poll(() => app.versions.staged.size).toBe(1);
    socket.destroy();
    await expect.poll(() => app.versions.staged.size).toBe(0);
    expect(app.versions.asked).toEqual([]);
    expect(await app.ask('GET', '/versions/a')).toMatchObject({ status: 404 });
  });

  it('that breaks its framing is dropped', async () => {
    await using app = await startVersionsApp();
    const socket = await openRaw(app.port, `${putHead('Transfer-Encoding: chunked')}5\r\nbegin\r\nnonsense\r\n`);
    expect(statusesOf(await readAll(socket))).toEqual([400]);
    await expect.poll(() => app.versions.staged.size).toBe(0);
    expect(app.versions.asked).toEqual([]);
  });

  it('gets its answer when it is refused while it still sends, and the connection goes on', async () => {
    await using app = await startVersionsApp({ bytesMax: 1000 });
    const socket = await openRaw(app.port, putHead(`Content-Length: ${20 * CHUNK.length}`) + CHUNK);
    const said = { text: '' };
    await waitFor(socket, 'urn:uuid', said);
    for (let i = 1; i < 20; i++) socket.write(CHUNK);
    socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    await waitFor(socket, 'alive', said);
    expect(statusesOf(said.text)).toEqual([413, 200]);
    socket.destroy();
  });

  it('that is refused and sends on without end is cut', async () => {
    await using app = await startVersionsApp({ bytesMax: 1000 });
    const socket = await openRaw(app.port, putHead('Content-Length: 100000000') + CHUNK);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    const feed = (): void => {
      while (socket.writable && socket.write(CHUNK));
    };
    socket.on('drain', feed).on('data', () => undefined);
    feed();
    await closed;
    expect(socket.bytesWritten).toBeLessThan(100_000_000);
  });
});

describe('GET /versions/{name}/events', () => {
  const follow = (port: number, name = 'a'): Promise<Socket> => openRaw(port, `GET /versions/${name}/events HTTP/1.1\r\nHost: x\r\n\r\n`);

  it('tells the head at once, and each new one', async () => {
    await using app = await startVersionsApp();
    const { sha256 } = app.versions.add('a', 'one');
    const socket = await follow(app.port);
    const said = { text: '' };
    await waitFor(socket, `"etag":"\\"1-${sha256}\\""}\n\n`, said);
    expect(said.text).toMatch(/^HTTP\/1\.1 200 OK\r\ncontent-type: text\/event-stream\r\ncache-control: no-store\r\n/);
    expect(said.text).toContain('retry: 1000\n\n');
    expect(said.text).toContain('event: head\nid: 1\ndata: {"name":"a","version":1,');
    app.versions.add('a', 'two');
    await waitFor(socket, 'event: head\nid: 2\n', said);
    expect((await app.ask('GET', '/metrics')).text).toContain('proofs_versions_watchers 1\n');
    socket.destroy();
    await expect.poll(() => app.versions.watching.get('a')?.size).toBe(0);
    expect((await app.ask('GET', '/metrics')).text).toContain('proofs_versions_watchers 0\n');
  });

  it('waits for a name that has no version yet', async () => {
    await using app = await startVersionsApp();
    const socket = await follow(app.port, 'later');
    const said = { text: '' };
    await waitFor(socket, 'retry: 1000', said);
    expect(said.text).not.toContain('event:');
    app.versions.add('later', 'one');
    await waitFor(socket, 'event: head\nid: 1\n', said);
    socket.destroy();
  });

  it('ends promptly when the sidecar stops', async () => {
    await using app = await startVersionsApp();
    app.versions.add('a', 'one');
    const sockets = await Promise.all(Array.from({ length: 5 }, () => follow(app.port)));
    await Promise.all(sockets.map((socket) => waitFor(socket, 'id: 1')));
    const ended = Promise.all(sockets.map((socket) => once(socket, 'close')));
    const startMs = performance.now();
    await app.close();
    await ended;
    expect(performance.now() - startMs).toBeLessThan(2000);
  });
});

describe('Watchers', () => {
  it('keep their bound and give places back', () => {
    const counts: number[] = [];
    const watchers = new Watchers((count) => counts.push(count), 2);
    const [first] = [watchers.open(), watchers.open()];
    expect(() => watchers.open()).toThrow(HttpError);
    first.destroy();
    return expect
      .poll(() => counts)
      .toEqual([1, 2, 1])
      .then(() => expect(() => watchers.open()).not.toThrow());
  });

  it('let a slow reader have the newest event only', async () => {
    const stream = new Watchers(() => undefined).open();
    let text = '';
    // Takes one chunk at a time, as a full socket does.
    const slow = new Writable({
      highWaterMark: 1,
      write(chunk: Buffer, _encoding, done) {
        text += chunk.toString('utf8');
        setImmediate(done);
      },
    });
    stream.pipe(slow);
    for (let i = 1; i <= 1000; i++) stream.tell('head', i, '{}');
    await expect.poll(() => text).toMatch(/id: 1000\n/);
    expect(text.match(/^id: /gm)?.length).toBeLessThanOrEqual(3);
    stream.finish();
    await once(slow, 'finish');
    stream.tell('head', 1001, '{}');
    expect(text).not.toContain('id: 1001');
  });

  it('cut a reader that takes nothing, instead of waiting for it', async () => {
    const watchers = new Watchers(() => undefined);
    const stream = watchers.open();
    stream.pipe(new Writable({ highWaterMark: 1, write: () => undefined }));
    stream.tell('head', 1, '{}');
    await new Promise((resolve) => setImmediate(resolve));
    watchers.finish();
    await expect.poll(() => stream.closed).toBe(true);
  });

  it('let an idle reader hear a comment now and then', async () => {
    const stream = new Watchers(() => undefined, 1, 10).open();
    let text = '';
    for await (const chunk of stream) {
      text += String(chunk);
      if (text.endsWith(':\n\n:\n\n')) break;
    }
    expect(text).toBe('retry: 1000\n\n:\n\n:\n\n');
  });
});
