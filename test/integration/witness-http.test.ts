import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { formatAddCheckpoint } from '../../src/anchor/add-checkpoint.ts';
import { cosignedAt, parseCosignerKey } from '../../src/kernel/cosignature.ts';
import { verifyEd25519 } from '../../src/kernel/ed25519.ts';
import { LEAF_TYPES } from '../../src/kernel/leaf.ts';
import { nodeHashes } from '../../src/kernel/node-hashes.ts';
import { parseCheckpoint } from '../../src/kernel/note.ts';
import { startApp, type RunningApp } from '../support/running-app.ts';
import { tempDir } from '../support/temp-dir.ts';
import { ToyLog } from '../support/toy-log.ts';

const log = new ToyLog('example.org/log').grow(50);

interface WitnessApp extends AsyncDisposable {
  readonly app: RunningApp;
  add(body: string, headers?: Readonly<Record<string, string>>): Promise<{ status: number; type: string | null; text: string }>;
}

async function startWitness(env: Readonly<Record<string, string>> = {}): Promise<WitnessApp> {
  const dir = tempDir();
  const logsFile = join(dir.path, 'logs.txt');
  writeFileSync(logsFile, `${log.verifierKey}\n`);
  const app = await startApp({ env: { PROOFS_WITNESS_LOGS_FILE: logsFile, ...env } });
  const add: WitnessApp['add'] = async (body, headers = {}) => {
    // A Blob without a type is sent without a media type, as some logs do.
    const response = await fetch(`${app.url}/add-checkpoint`, { method: 'POST', body: new Blob([body]), headers });
    return { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
  };
  const dispose = async (): Promise<void> => {
    await app[Symbol.asyncDispose]();
    dir[Symbol.dispose]();
  };
  return { app, add, [Symbol.asyncDispose]: dispose };
}

const request = (oldSize: number, size: number): string => formatAddCheckpoint(oldSize, log.proof(oldSize, size), log.note(size));

describe('POST /add-checkpoint', () => {
  it('answers a cosignature that the key of GET /witness/key verifies', async () => {
    await using witness = await startWitness();
    const { status, type, text } = await witness.add(request(0, 7));
    expect({ status, type }).toEqual({ status: 200, type: 'text/plain; charset=utf-8' });
    const key = parseCosignerKey(nodeHashes, await (await fetch(`${witness.app.url}/witness/key`)).text());
    expect(key.name).toBe(`${witness.app.context.ledger.identity.origin}/witness`);
    const timeS = cosignedAt(parseCheckpoint(log.note(7) + text), key, verifyEd25519);
    expect(Math.abs((timeS ?? 0) - Date.now() / 1000)).toBeLessThan(30);
  });

  it.each(['application/json', 'text/plain', 'application/octet-stream', 'application/x-ndjson'])(
    'takes the body as %s too',
    async (type) => {
      await using witness = await startWitness();
      expect((await witness.add(request(0, 7), { 'content-type': type })).status).toBe(200);
    },
  );

  it('answers 409 with the size it knows, in the media type of the specification', async () => {
    await using witness = await startWitness();
    await witness.add(request(0, 7));
    expect(await witness.add(request(3, 9))).toEqual({ status: 409, type: 'text/x.tlog.size', text: '7\n' });
    expect((await witness.add(request(7, 9))).status).toBe(200);
  });

  it.each([
    [400, 'invalid-request', 'nonsense'],
    [403, 'bad-signature', formatAddCheckpoint(0, [], new ToyLog(log.origin).grow(7).note(7))],
    [404, 'not-found', formatAddCheckpoint(0, [], new ToyLog('example.org/unknown').grow(7).note(7))],
    [413, 'too-large', `old 0\n\n${log.note(7)}${'x'.repeat(65_536)}`],
    [422, 'bad-proof', formatAddCheckpoint(0, log.proof(6, 7), log.note(7))],
  ])('answers %i for what the specification refuses so', async (status, code, body) => {
    await using witness = await startWitness();
    const answer = await witness.add(body);
    expect(answer).toMatchObject({ status, type: expect.stringContaining('application/problem+json') });
    expect(JSON.parse(answer.text)).toMatchObject({ type: `urn:post-incident-proofs:error:${code}` });
  });

  it('needs no token, where everything else does', async () => {
    using dir = tempDir();
    const tokensFile = join(dir.path, 'token');
    writeFileSync(tokensFile, 'a-token-of-thirty-two-characters\n', { mode: 0o600 });
    await using witness = await startWitness({ PROOFS_TOKENS_FILE: tokensFile });
    expect((await witness.add(request(0, 7))).status).toBe(200);
    expect((await fetch(`${witness.app.url}/witness/key`)).status).toBe(200);
    expect((await fetch(`${witness.app.url}/checkpoint`)).status).toBe(401);
  });

  it('leaves a record of the first cosigning in the ledger of the witness', async () => {
    await using witness = await startWitness();
    for (const [oldSize, size] of [
      [0, 7],
      [7, 9],
    ])
      await witness.add(request(oldSize, size));
    const { ledger } = witness.app.context;
    const records = async (): Promise<unknown[]> => {
      const found: unknown[] = [];
      for await (const leaf of ledger.leaves(0, Number.MAX_SAFE_INTEGER))
        if (leaf.type === LEAF_TYPES.witness) found.push(JSON.parse(Buffer.from(leaf.payload).toString()));
      return found;
    };
    const root = Buffer.from(log.root(7)).toString('base64');
    await expect.poll(records).toEqual([{ key: log.verifierKey, origin: log.origin, root, size: 7 }]);
  });
});

describe('a sidecar that is no witness', () => {
  it('says so', async () => {
    await using app = await startApp();
    expect((await app.getJson('/witness/key')).status).toBe(404);
    const { status, json } = await app.getJson('/add-checkpoint', { method: 'POST', body: request(0, 7) });
    expect({ status, detail: json.detail }).toEqual({
      status: 404,
      detail: 'this sidecar is no witness: PROOFS_WITNESS_LOGS_FILE is not set',
    });
    expect((await app.getJson('/checkpoint?witnessed=1')).status).toBe(404);
  });
});

describe('a list that the settings name', () => {
  it('stops the start before anything is made, with every wrong line', async () => {
    using dir = tempDir();
    const list = join(dir.path, 'list');
    writeFileSync(list, 'one\ntwo\n');
    for (const setting of ['PROOFS_WITNESS_LOGS_FILE', 'PROOFS_WITNESSES_FILE']) {
      const start = startApp({ dataDir: join(dir.path, 'data'), env: { [setting]: list } });
      await expect(start).rejects.toMatchObject({ code: 'bad-config', message: expect.stringMatching(/line 1: .*\n.*line 2: /) });
    }
    const start = startApp({ dataDir: join(dir.path, 'data'), env: { PROOFS_WITNESSES_FILE: join(dir.path, 'none') } });
    await expect(start).rejects.toMatchObject({ code: 'bad-config' });
  });
});
