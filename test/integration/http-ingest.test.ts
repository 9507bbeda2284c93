import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fromUtf8 } from '../../src/kernel/bytes.ts';
import { verifyEd25519 } from '../../src/kernel/ed25519.ts';
import { FLAG_LAST_OF_REQUEST, LEAF_TYPES } from '../../src/kernel/leaf.ts';
import { nodeHashes } from '../../src/kernel/node-hashes.ts';
import { isSignedBy, parseCheckpoint, parseVerifierKey } from '../../src/kernel/note.ts';
import { startApp, type RunningApp } from '../support/running-app.ts';
import { storedByRequests } from '../support/stored-leaves.ts';
import { tempDir } from '../support/temp-dir.ts';

const NDJSON = 'application/x-ndjson';

let app: RunningApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app[Symbol.asyncDispose]());

/** Counters of an answer, which must be a 201. */
function countersOf(answer: { status: number; json: Record<string, unknown> }): {
  accepted: number;
  first: number;
  last: number;
  checkpoint: string;
} {
  expect(answer.json).toMatchObject({ accepted: expect.any(Number), checkpoint: expect.any(String) });
  expect(answer.status).toBe(201);
  return answer.json as { accepted: number; first: number; last: number; checkpoint: string };
}

async function storedEvents(first: number, last: number): Promise<unknown[]> {
  const leaves = await storedByRequests(app.dataDir, first);
  return leaves.slice(0, last - first + 1).map((leaf) => JSON.parse(fromUtf8(leaf.payload)));
}

describe('POST /events', () => {
  it('stores one event, an array, NDJSON and pino lines, and answers their counters', async () => {
    const single = countersOf(await app.post('{"message":"one","level":"warn","tenant":"acme"}'));
    expect(single).toMatchObject({ accepted: 1, last: single.first });
    const array = countersOf(await app.post('[{"message":"a"},{"message":"b"},{"message":"c"}]'));
    expect(array).toMatchObject({ accepted: 3, last: array.first + 2 });
    const lines = countersOf(await app.post('{"message":"d"}\n{"message":"e"}\n', { type: NDJSON }));
    expect(lines).toMatchObject({ accepted: 2, last: lines.first + 1 });
    expect(single.last < array.first && array.last < lines.first).toBe(true);
    const pino = countersOf(
      await app.post('{"level":50,"time":1767225600000,"pid":7,"hostname":"h","msg":"from pino","userId":12345678901234567890}\n', {
        type: NDJSON,
      }),
    );
    expect(await storedEvents(single.first, lines.last)).toEqual([
      { message: 'one', level: 'warn', tenant: 'acme' },
      ...['a', 'b', 'c', 'd', 'e'].map((message) => ({ message })),
    ]);
    const [leaf] = await storedByRequests(app.dataDir, pino.first);
    expect(fromUtf8(leaf.payload)).toBe(
      '{"attributes":{"hostname":"h","pid":7,"userId":12345678901234567890},"level":"error","message":"from pino","time":1767225600000}',
    );
  });

  it('takes every name of NDJSON, with parameters and in capitals', async () => {
    for (const type of ['application/x-ndjson', 'application/ndjson', 'application/jsonl', 'Application/X-NDJSON; charset=utf-8']) {
      expect(countersOf(await app.post('{"message":"1"}\n{"message":"2"}', { type })).accepted).toBe(2);
    }
  });

  it('answers only when the bytes are in the segment file and the watermark covers them', async () => {
    const message = `durable ${crypto.randomUUID()}`;
    const { last } = countersOf(await app.post(JSON.stringify({ message })));
    const segments = join(app.dataDir, 'ledger', 'segments');
    const files = readdirSync(segments).map((name) => readFileSync(join(segments, name)));
    expect(files.some((bytes) => bytes.includes(message))).toBe(true);
    const watermark = readFileSync(join(app.dataDir, 'ledger', 'watermark'));
    const sizes = [0, 4096].map((at) => Number(watermark.readBigUInt64BE(at + 20)));
    expect(Math.max(...sizes)).toBeGreaterThan(last);
  });

  it('answers with a checkpoint that our key signed and that covers the events', async () => {
    const { last, checkpoint } = countersOf(await app.post('{"message":"covered"}'));
    const { json } = await app.getJson('/ledger/status');
    const signed = parseCheckpoint(checkpoint);
    expect(isSignedBy(signed, parseVerifierKey(nodeHashes, String(json.verifierKey)), verifyEd25519)).toBe(true);
    expect(signed.size).toBeGreaterThan(last);
    expect(Buffer.from(signed.root)).toEqual(Buffer.from(await app.context.ledger.rootAt(signed.size)));
  });

  it('keeps the events of concurrent requests together and in order, each counter once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, r) =>
        app.post(Array.from({ length: 5 }, (_, i) => `{"message":"r${r}.${i}"}`).join('\n'), { type: NDJSON }),
      ),
    );
    const seen = new Set<number>();
    for (const [r, answer] of answers.entries()) {
      const { first, last } = countersOf(answer);
      expect(last - first).toBe(4);
      expect(await storedEvents(first, last)).toEqual(Array.from({ length: 5 }, (_, i) => ({ message: `r${r}.${i}` })));
      for (let seq = first; seq <= last; seq++) seen.add(seq);
    }
    expect(seen.size).toBe(200);
  });

  it('stores nothing of a request with one bad line among good ones, and lists the faults', async () => {
    const before = app.context.ledger.head().size;
    const { status, headers, json } = await app.post('{"message":"good"}\n{"message":17}\n{"message":"good"}\nnot json\n', {
      type: NDJSON,
    });
    expect(status).toBe(400);
    expect(headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(json).toMatchObject({ type: 'urn:post-incident-proofs:error:invalid-events', status: 400 });
    expect(json.faults).toHaveLength(Number(json.faultsTotal));
    expect((json.faults as { line: number }[]).map((fault) => fault.line)).toEqual([2, 4]);
    expect(await storedByRequests(app.dataDir, before)).toEqual([]);
  });
});

describe('Idempotency-Key', () => {
  it('lands a retried request once and answers it as the first time, with a checkpoint that covers it', async () => {
    const body = '[{"message":"k1"},{"message":"k2"}]';
    const first = await app.post(body, { key: 'retry-1' });
    const size = app.context.ledger.head().size;
    const again = await app.post(body, { key: 'retry-1' });
    expect(first.headers.get('idempotency-replayed')).toBeNull();
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    const counters = countersOf(first);
    expect(again).toMatchObject({ status: 201, json: { ...counters, checkpoint: expect.any(String) } });
    expect(parseCheckpoint(countersOf(again).checkpoint).size).toBeGreaterThan(counters.last);
    expect(await storedByRequests(app.dataDir, size)).toEqual([]);
  });

  it('lands a request once that arrives many times at the same moment', async () => {
    const before = app.context.ledger.head().size;
    const answers = await Promise.all(Array.from({ length: 20 }, () => app.post('{"message":"together"}', { key: 'together' })));
    expect(new Set(answers.map((answer) => countersOf(answer).first)).size).toBe(1);
    expect(answers.filter((answer) => answer.headers.get('idempotency-replayed') === null)).toHaveLength(1);
    const stored = (await storedEvents(before, app.context.ledger.head().size)).filter((event) =>
      JSON.stringify(event).includes('together'),
    );
    expect(stored).toHaveLength(1);
  });

  it('refuses the key with other bytes, another mode or another framing', async () => {
    countersOf(await app.post('{"message":"original"}', { key: 'reuse' }));
    for (const [body, query, type] of [
      ['{"message":"other"}', ''],
      ['{"message":"original"} ', ''],
      ['{"message":"original"}', '?onInvalid=skip'],
      ['{"message":"original"}', '', NDJSON],
    ]) {
      expect(await app.post(body, { key: 'reuse', query, ...(type === undefined ? {} : { type }) })).toMatchObject({
        status: 422,
        json: { type: 'urn:post-incident-proofs:error:key-reused' },
      });
    }
  });

  it('is as new after its request was refused', async () => {
    expect((await app.post('{"message":', { key: 'second-try' })).status).toBe(400);
    expect((await app.post('{"message":"whole"}', { key: 'second-try' })).status).toBe(201);
  });

  it('is known again after a restart, also under onInvalid=skip, with the same counters and faults', async () => {
    using dir = tempDir();
    const requests = [
      ['[{"message":"a"},{"message":"b"}]', { key: 'before' }],
      ['{"message":"a"}\n{"message":1}\n', { key: 'before-skip', query: '?onInvalid=skip', type: NDJSON }],
      ['{"message":1}\n', { key: 'before-none', query: '?onInvalid=skip', type: NDJSON }],
    ] as const;
    const first: Awaited<ReturnType<RunningApp['post']>>[] = [];
    {
      await using earlier = await startApp({ dataDir: dir.path });
      for (const [body, init] of requests) first.push(await earlier.post(body, init));
    }
    await using later = await startApp({ dataDir: dir.path });
    const { size } = later.context.ledger.head();
    for (const [i, [body, init]] of requests.entries()) {
      const again = await later.post(body, init);
      expect(again.headers.get('idempotency-replayed')).toBe('true');
      expect(again).toMatchObject({ status: 201, json: { ...first[i].json, checkpoint: expect.any(String) } });
    }
    expect(await storedByRequests(dir.path, size)).toEqual([]);
    expect((await later.post('{"message":"c"}', { key: 'before' })).status).toBe(422);
  });

  it.each([
    ['empty', ''],
    ['with a space', 'a b'],
    ['of 256 characters', 'k'.repeat(256)],
    ['beyond ASCII', 'schlüssel'],
  ])('is refused when it is %s', async (_case, key) => {
    const { status, json } = await app.post('{"message":"m"}', { key });
    expect({ status, faults: json.faults }).toEqual({
      status: 400,
      faults: [{ field: 'headers/idempotency-key', reason: 'must be 1 to 255 visible ASCII characters' }],
    });
  });

  it('may have 255 characters', async () => {
    expect((await app.post('{"message":"m"}', { key: 'k'.repeat(255) })).status).toBe(201);
  });
});

describe('onInvalid=skip', () => {
  it('takes the good lines, answers the faults and records what was refused in the same request', async () => {
    const body = '{"message":"good 1"}\nbad\n{"message":"good 2"}\n{"message":5}\n';
    const { status, json } = await app.post(body, { type: NDJSON, query: '?onInvalid=skip' });
    expect({ status, accepted: json.accepted, rejected: json.rejected, faultsTotal: json.faultsTotal }).toEqual({
      status: 201,
      accepted: 2,
      rejected: 2,
      faultsTotal: 2,
    });
    const [one, two, record] = await storedByRequests(app.dataDir, Number(json.first));
    expect([one, two].map((leaf) => JSON.parse(fromUtf8(leaf.payload)))).toEqual([{ message: 'good 1' }, { message: 'good 2' }]);
    expect(record.type).toBe(LEAF_TYPES.rejectedInput);
    expect([one, two, record].map((leaf) => leaf.flags & FLAG_LAST_OF_REQUEST)).toEqual([0, 0, FLAG_LAST_OF_REQUEST]);
    expect(JSON.parse(fromUtf8(record.payload))).toEqual({
      bodySha256: createHash('sha256').update(body).digest('hex'),
      faults: json.faults,
      faultsTotal: 2,
      rejected: 2,
    });
    expect(json.last).toBe(Number(json.first) + 1);
  });

  it('records a request of which nothing was good, and answers null counters', async () => {
    const before = app.context.ledger.head().size;
    const { status, json } = await app.post('bad\nworse\n', { type: NDJSON, query: '?onInvalid=skip' });
    expect({ status, accepted: json.accepted, first: json.first, last: json.last, rejected: json.rejected }).toEqual({
      status: 201,
      accepted: 0,
      first: null,
      last: null,
      rejected: 2,
    });
    const leaves = await storedByRequests(app.dataDir, before);
    expect(leaves.map((leaf) => leaf.type)).toEqual([LEAF_TYPES.rejectedInput]);
  });

  it('counts all faults of a request with thousands of them and records the first 50, in a leaf that fits', async () => {
    const before = app.context.ledger.head().size;
    const body = `{"message":"m","attributes":{"${'界'.repeat(300)}":{"__proto__":1}}}\n`.repeat(1000);
    const { status, json } = await app.post(body, { type: NDJSON, query: '?onInvalid=skip' });
    expect({ status, rejected: json.rejected }).toEqual({ status: 201, rejected: 1000 });
    const record = (await storedByRequests(app.dataDir, before)).find((leaf) => leaf.type === LEAF_TYPES.rejectedInput);
    const payload = JSON.parse(fromUtf8(record?.payload ?? new Uint8Array())) as { faults: unknown[]; faultsTotal: number };
    expect(payload.faults).toHaveLength(50);
    expect(payload.faultsTotal).toBe(json.faultsTotal);
  });

  it('is the only mode beside reject', async () => {
    const { status, json } = await app.post('{"message":"m"}', { query: '?onInvalid=ignore&speed=high' });
    expect(status).toBe(400);
    expect((json.faults as { field: string }[]).map((fault) => fault.field).toSorted()).toEqual([
      'querystring/onInvalid',
      'querystring/speed',
    ]);
  });
});
