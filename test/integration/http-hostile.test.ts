import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { exchange, openRaw, postHead, readAll, statusesOf } from '../support/raw-http.ts';
import { startApp, type RunningApp } from '../support/running-app.ts';
import { storedByRequests } from '../support/stored-leaves.ts';

/** Of the one sidecar whose clients are slow on purpose. */
const REQUEST_TIMEOUT_MS = 150;
const MIB = 1024 * 1024;

let app: RunningApp;
let impatient: RunningApp;
let sizeBefore = 0;
beforeAll(async () => {
  app = await startApp();
  impatient = await startApp({ requestTimeoutMs: REQUEST_TIMEOUT_MS });
});
afterAll(async () => {
  await app[Symbol.asyncDispose]();
  await impatient[Symbol.asyncDispose]();
});
beforeEach(() => {
  sizeBefore = app.context.ledger.head().size;
});

/** The ledger has grown by so many leaves, and the process answers. */
async function expectGrownBy(leaves: number): Promise<void> {
  expect(await storedByRequests(app.dataDir, sizeBefore)).toHaveLength(leaves);
  expect((await fetch(`${app.url}/healthz`)).status).toBe(200);
}

/** Body of the only answer, which must be a problem of this code. */
function expectProblem(text: string, status: number, code: string): void {
  expect(statusesOf(text)).toEqual([status]);
  expect(text).toMatch(/content-type: application\/problem\+json/i);
  expect(JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4))).toMatchObject({ status, type: `urn:post-incident-proofs:error:${code}` });
}

async function refusals(code: string): Promise<number> {
  const text = await (await fetch(`${app.url}/metrics`)).text();
  return Number(new RegExp(`^proofs_requests_refused_total\\{code="${code}"\\} (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
}

describe('a body that is not what its header says', () => {
  it('is cut off at a Content-Length that is too short, and what follows is refused', async () => {
    const text = await exchange(app.port, `${postHead('Content-Length: 12')}{"message":"whole event"}\n`);
    expect(statusesOf(text)).toEqual([400]);
    expect(text).toContain('invalid-events');
    await expectGrownBy(0);
  });

  it('gets the answer for its whole lines before garbage behind it ends the connection', async () => {
    const line = '{"message":"stored"}\n';
    const text = await exchange(app.port, `${postHead(`Content-Length: ${line.length}`)}${line}GARBAGE\r\n\r\n`);
    expect(statusesOf(text)).toEqual([201]);
    await expectGrownBy(1);
  });

  it('is refused with 408 when the rest of its Content-Length never comes', async () => {
    expectProblem(await exchange(impatient.port, `${postHead('Content-Length: 100')}{"message":"m"}\n`), 408, 'timeout');
    expect(await storedByRequests(impatient.dataDir)).toHaveLength(1);
  });

  it('is refused with 400 when the sender closes its side too early', async () => {
    const text = await exchange(app.port, `${postHead('Content-Length: 100')}{"message":"m"}\n`, { end: true });
    expectProblem(text, 400, 'incomplete');
    await expectGrownBy(0);
  });

  it('is refused when chunks never end, although whole lines have come', async () => {
    const text = await exchange(impatient.port, `${postHead('Transfer-Encoding: chunked')}10\r\n{"message":"hi"}\r\n1\r\n\n\r\n`);
    expectProblem(text, 408, 'timeout');
    expect(await storedByRequests(impatient.dataDir)).toHaveLength(1);
  });

  it.each([
    ['Content-Length and chunks together', ['Content-Length: 16', 'Transfer-Encoding: chunked'], '10\r\n{"message":"hi"}\r\n0\r\n\r\n'],
    ['two different lengths', ['Content-Length: 16', 'Content-Length: 17'], '{"message":"hi"}'],
    ['a negative length', ['Content-Length: -1'], ''],
    ['a length in words', ['Content-Length: sixteen'], '{"message":"hi"}'],
    ['a chunk size that is no number', ['Transfer-Encoding: chunked'], 'XYZ\r\n{"message":"hi"}\r\n0\r\n\r\n'],
    ['chunked that is not last', ['Transfer-Encoding: chunked, gzip'], '10\r\n{"message":"hi"}\r\n0\r\n\r\n'],
  ])('is refused with %s', async (_case, headers, body) => {
    expectProblem(await exchange(app.port, postHead(...headers) + body), 400, 'invalid-request');
    await expectGrownBy(0);
  });
});

describe('a slow client', () => {
  it('that drips its body is cut off with 408 although it never pauses for long', async () => {
    const socket = await openRaw(impatient.port, `${postHead('Content-Length: 10000')}{"message":"`);
    const drip = setInterval(() => socket.write('x'), 20);
    const text = await readAll(socket);
    clearInterval(drip);
    expectProblem(text, 408, 'timeout');
    expect(await storedByRequests(impatient.dataDir)).toHaveLength(1);
  });

  it('that drips its header is cut off with 408', async () => {
    expectProblem(await exchange(impatient.port, 'GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: '), 408, 'timeout');
    expect(await storedByRequests(impatient.dataDir)).toHaveLength(1);
  });

  it('harms nobody: with 100 open bodies of 8 MiB announced, others are served at once', async () => {
    const sockets = await Promise.all(
      Array.from({ length: 100 }, () => openRaw(app.port, `${postHead(`Content-Length: ${8 * MIB}`)}{"mess`)),
    );
    expect((await app.post('{"message":"in between"}')).status).toBe(201);
    for (const socket of sockets) socket.destroy();
    await expectGrownBy(1);
  });
});

describe('a client that vanishes', () => {
  it('inside its body leaves nothing behind, and is no error of ours', async () => {
    const incomplete = await refusals('incomplete');
    for (let i = 0; i < 10; i++) (await openRaw(app.port, `${postHead('Content-Length: 100')}{"message":"gone"}\n`)).resetAndDestroy();
    await expect.poll(() => refusals('incomplete')).toBe(incomplete + 10);
    expect(await refusals('internal')).toBe(0);
    await expectGrownBy(0);
  });

  it('before its answer has its event stored all the same', async () => {
    const line = '{"message":"fire and forget"}\n';
    (await openRaw(app.port, `${postHead(`Content-Length: ${line.length}`)}${line}`)).end();
    await expect.poll(() => storedByRequests(app.dataDir, sizeBefore)).toHaveLength(1);
    expect(await refusals('internal')).toBe(0);
  });
});

describe('a body that is too large', () => {
  const body = Buffer.alloc(8 * MIB + 1, 0x20);

  it('is refused at 8 MiB and one byte, and the client that sends it all first gets to see the answer', async () => {
    for (let i = 0; i < 3; i++) {
      expect(await app.post(body)).toMatchObject({ status: 413, json: { type: 'urn:post-incident-proofs:error:too-large' } });
    }
    await expectGrownBy(0);
  });

  it('is refused in chunks too', async () => {
    const chunks = new ReadableStream({
      start(controller) {
        for (let at = 0; at < body.length; at += MIB) controller.enqueue(body.subarray(at, at + MIB));
        controller.close();
      },
    });
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${app.url}/events`, { method: 'POST', body: chunks, duplex: 'half', headers });
    expect(response.status).toBe(413);
    await expectGrownBy(0);
  });

  it('is refused before it is sent when its length says so', async () => {
    const socket = await openRaw(app.port, postHead('Content-Length: 1000000000000'));
    expectProblem(await readAll(socket, (text) => text.endsWith('}')), 413, 'too-large');
    await expectGrownBy(0);
  });

  it('of exactly 8 MiB is taken', async () => {
    const exact = Buffer.alloc(8 * MIB, 0x20);
    exact.write('{"message":"padded"}');
    expect((await app.post(exact)).status).toBe(201);
  });

  it('ends with its connection when it never ends', async () => {
    const socket = await openRaw(app.port, postHead('Transfer-Encoding: chunked'));
    const chunk = Buffer.concat([Buffer.from(`${MIB.toString(16)}\r\n`), Buffer.alloc(MIB, 0x20), Buffer.from('\r\n')]);
    const isClosed = new Promise<boolean>((resolve) => socket.once('close', () => resolve(true)));
    let text = '';
    socket.on('data', (part: Buffer) => (text += part.toString('utf8')));
    let sentMib = 0;
    for (; sentMib < 64 && !socket.destroyed; sentMib++) await new Promise<void>((resolve) => socket.write(chunk, () => resolve()));
    expect(await isClosed).toBe(true);
    expect(sentMib).toBeLessThan(64);
    expect(statusesOf(text)).toEqual([413]);
  });
});

describe('a request that is refused unread', () => {
  it.each([
    ['text/plain', { 'content-type': 'text/plain' }],
    ['a form', { 'content-type': 'application/x-www-form-urlencoded' }],
    ['no type', { 'content-type': '' }],
    ['a type that only begins like ours', { 'content-type': 'application/json-patch+json' }],
    ['a compressed body', { 'content-type': 'application/json', 'content-encoding': 'gzip' }],
  ])('as 415: %s', async (_case, headers) => {
    const { status, json } = await app.getJson('/events', { method: 'POST', body: Buffer.from('{"message":"m"}'), headers });
    expect({ status, type: json.type }).toEqual({ status: 415, type: 'urn:post-incident-proofs:error:unsupported-media-type' });
    await expectGrownBy(0);
  });

  it.each(['PUT', 'DELETE', 'PATCH', 'OPTIONS'])('as 404: %s /events', async (method) => {
    const { status, json } = await app.getJson('/events', { method });
    expect({ status, detail: json.detail }).toEqual({ status: 404, detail: `there is no ${method} "/events"` });
  });

  it.each([
    ['a method that does not exist', 'BREW /events HTTP/1.1\r\nHost: x\r\n\r\n', 400, 'invalid-request'],
    ['no HTTP at all', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400, 'invalid-request'],
    ['a path that is no UTF-8', 'GET /%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 400, 'invalid-request'],
    ['one header line of 20 kB', `GET /healthz HTTP/1.1\r\nHost: x\r\nX: ${'b'.repeat(20_000)}\r\n\r\n`, 431, 'headers-too-large'],
    ['5,000 header lines', `GET /healthz HTTP/1.1\r\nHost: x\r\n${'A: b\r\n'.repeat(5000)}\r\n`, 431, 'headers-too-large'],
    ['a path of 20 kB', `GET /${'a'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, 431, 'headers-too-large'],
  ])('and answered as a problem: %s', async (_case, bytes, status, code) => {
    const before = await refusals(code);
    expectProblem(await exchange(app.port, bytes), status, code);
    expect(await refusals(code)).toBe(before + 1);
    await expectGrownBy(0);
  });

  it('does not put the query of an unknown address into the log, where tokens end up by mistake', async () => {
    await fetch(`${app.url}/evnts?token=s3cret-in-the-query`);
    expect(app.logLines.join('')).toContain('/evnts');
    expect(app.logLines.join('')).not.toContain('s3cret-in-the-query');
  });
});

describe('pipelined requests', () => {
  it('are all stored and answered in their order', async () => {
    const one = (i: number): string => {
      const line = `{"message":"pipelined ${i}"}\n`;
      return `${postHead(`Content-Length: ${line.length}`)}${line}`;
    };
    const last = 'GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
    const text = await exchange(app.port, [0, 1, 2, 3, 4].map(one).join('') + last);
    expect(statusesOf(text)).toEqual([201, 201, 201, 201, 201, 200]);
    const firsts = [...text.matchAll(/"first":(\d+)/g)].map((match) => Number(match[1]));
    expect(firsts).toEqual(firsts.toSorted((a, b) => a - b));
    await expectGrownBy(5);
  });
});

describe('too much at once', () => {
  it('is refused with 503 and Retry-After; what was accepted is stored, what was refused is not', async () => {
    await using busy = await startApp({ queueRequestsMax: 2 });
    const before = busy.context.ledger.head().size;
    const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => busy.post(`{"message":"m${i}"}`)));
    const accepted = answers.filter(({ status }) => status === 201);
    const refused = answers.filter(({ status }) => status === 503);
    expect(accepted.length + refused.length).toBe(50);
    expect(refused.length).toBeGreaterThan(0);
    for (const { headers, json } of refused) {
      expect(headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
      expect(json.type).toBe('urn:post-incident-proofs:error:queue-full');
    }
    expect(await storedByRequests(busy.dataDir, before)).toHaveLength(accepted.length);
    expect((await busy.post('{"message":"later"}')).status).toBe(201);
  });
});
