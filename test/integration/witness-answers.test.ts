import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { parseAddCheckpoint } from '../../src/anchor/add-checkpoint.ts';
import { askWitness, type WitnessAnswer } from '../../src/anchor/ask-witness.ts';
import { WitnessRounds, type WitnessedCheckpoint } from '../../src/anchor/witness-rounds.ts';
import type { WitnessPeer } from '../../src/anchor/witness-lists.ts';
import { cosignedMessage, cosignerKeyId, formatCosignature } from '../../src/kernel/cosignature.ts';
import { generateEd25519, rawPublicKey, signEd25519 } from '../../src/kernel/ed25519.ts';
import { nodeHashes } from '../../src/kernel/node-hashes.ts';
import { MemoryLedger } from '../support/memory-ledger.ts';
import { LEAF_TYPES } from '../../src/kernel/leaf.ts';
import { utf8 } from '../../src/kernel/bytes.ts';

type Answer = (body: Uint8Array, response: ServerResponse) => void;

interface ScriptedWitness extends AsyncDisposable {
  readonly peer: WitnessPeer;
  readonly asked: { readonly oldSize: number; readonly size: number }[];
  answer: Answer;
}

const key = generateEd25519();
const publicKey = rawPublicKey(key);
const name = 'witness.example/w';
const keyId = cosignerKeyId(nodeHashes, name, publicKey);

/** An honest cosignature for whatever is sent. */
function cosign(body: Uint8Array, signer = key): string {
  const { text } = parseAddCheckpoint(body).checkpoint;
  return formatCosignature({ name, keyId }, 1_700_000_000, signEd25519(signer, cosignedMessage(text, 1_700_000_000)));
}

const size409 =
  (size: number | string): Answer =>
  (_body, response) =>
    void response.writeHead(409, { 'content-type': 'text/x.tlog.size' }).end(`${size}\n`);
const status =
  (code: number): Answer =>
  (_body, response) =>
    void response.writeHead(code).end('no');
const honest: Answer = (body, response) => void response.end(cosign(body));

/** A witness on a real socket that answers what the test says. */
async function startWitness(answer: Answer): Promise<ScriptedWitness> {
  const asked: { oldSize: number; size: number }[] = [];
  const server = createServer((request: IncomingMessage, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      const { oldSize, checkpoint } = parseAddCheckpoint(body);
      asked.push({ oldSize, size: checkpoint.size });
      scripted.answer(body, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const dispose = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
  const peer = { url: `http://127.0.0.1:${port}`, key: { name, keyId, publicKey } };
  const scripted: ScriptedWitness = { peer, asked, answer, [Symbol.asyncDispose]: dispose };
  return scripted;
}

function makeLedger(leaves: number): MemoryLedger {
  const ledger = new MemoryLedger({ clock: () => 1_700_000_000_000_000_000n });
  while (ledger.head().size < leaves) ledger.push({ type: LEAF_TYPES.heartbeat, payload: utf8('{"reason":"test"}') });
  return ledger;
}

async function answerTo(answer: Answer, knownSize = 0): Promise<WitnessAnswer> {
  await using witness = await startWitness(answer);
  const ledger = makeLedger(9);
  return await askWitness(witness.peer, ledger, ledger.head(), knownSize);
}

describe('asking a witness', () => {
  it('takes a cosignature that its key verifies, and nothing else of the answer', async () => {
    const stranger = generateEd25519();
    const extra = formatCosignature({ name: 'someone.else/w', keyId: 7 }, 1, new Uint8Array(64));
    expect(await answerTo((body, response) => void response.end(extra + cosign(body)))).toEqual({
      outcome: 'cosigned',
      size: 9,
      line: expect.stringMatching(/^— witness\.example\/w \S+\n$/),
    });
    expect(await answerTo((body, response) => void response.end(cosign(body, stranger)))).toMatchObject({ outcome: 'failed' });
  });

  it('begins where the witness says that it ended', async () => {
    await using witness = await startWitness(size409(4));
    const ledger = makeLedger(9);
    witness.answer = (body, response) => (parseAddCheckpoint(body).oldSize === 4 ? honest : size409(4))(body, response);
    expect(await askWitness(witness.peer, ledger, ledger.head(), 0)).toMatchObject({ outcome: 'cosigned' });
    expect(witness.asked).toEqual([
      { oldSize: 0, size: 9 },
      { oldSize: 4, size: 9 },
    ]);
  });

  it.each([
    ['it cosigned more than there is', size409(10), 0, 'it cosigned 10 entries of this ledger, which has only 9'],
    ['it cosigned another tree of the same size', size409(9), 9, 'another history of 9 entries'],
    ['a true proof does not hold for it', status(422), 4, 'another history of the first 4 entries'],
  ])('finds a rollback or a fork when %s', async (_case, answer, knownSize, detail) => {
    expect(await answerTo(answer, knownSize)).toEqual({ outcome: 'conflict', detail: expect.stringContaining(detail) });
  });

  it.each<[string, Answer]>([
    ['nothing', (_body, response) => void response.end()],
    ['a page', (_body, response) => void response.end('<html>welcome</html>\n')],
    ['the cosignature twice', (body, response) => void response.end(cosign(body) + cosign(body))],
    ['10^5 signatures', (body, response) => void response.end(cosign(body).repeat(100_000))],
    ['CRLF', (body, response) => void response.end(cosign(body).replace('\n', '\r\n'))],
    ['bytes that are no UTF-8', (_body, response) => void response.end(Buffer.of(0xff, 0xfe, 0x0a))],
    ['404', status(404)],
    ['403', status(403)],
    ['500', status(500)],
    ['409 in another media type', (_body, response) => void response.writeHead(409).end('4\n')],
    ['409 with a leading zero', size409('04')],
    ['409 with a size beyond 2^53', size409('9007199254740993')],
    ['409 with another size each time', (body, response) => size409(parseAddCheckpoint(body).oldSize + 1)(body, response)],
    ['a redirect', (_body, response) => void response.writeHead(307, { location: '/elsewhere' }).end()],
    ['a cut connection', (_body, response) => void response.destroy()],
  ])('calls it a failure, not a conflict, when the answer is %s', async (_case, answer) => {
    expect(await answerTo(answer)).toEqual({ outcome: 'failed', detail: expect.stringMatching(/\S/) });
  });

  it('calls a witness that cannot be reached a failure', async () => {
    const ledger = makeLedger(9);
    const peer = { url: 'http://127.0.0.1:9', key: { name, keyId, publicKey } };
    expect(await askWitness(peer, ledger, ledger.head(), 0)).toMatchObject({ outcome: 'failed' });
  });
});

describe('rounds', () => {
  const INTERVAL_MS = 50;
  const start = (ledger: MemoryLedger, peers: readonly WitnessPeer[]) => {
    const kept: WitnessedCheckpoint[] = [];
    const answers: WitnessAnswer[] = [];
    const rounds = new WitnessRounds({
      peers,
      ledger,
      intervalMs: INTERVAL_MS,
      keep: (witnessed) => Promise.resolve(void kept.push(witnessed)),
      answered: (_peer, answer) => void answers.push(answer),
      keepFailed: (error) => expect.unreachable(String(error)),
    });
    return { rounds, kept, answers };
  };

  it('ask for the newest checkpoint only, from where the last one ended, however often they are woken', async () => {
    await using witness = await startWitness(honest);
    const ledger = makeLedger(3);
    const { rounds, kept } = start(ledger, [witness.peer]);
    for (let i = 0; i < 20; i++) rounds.wake();
    await expect.poll(() => kept.length).toBe(1);
    for (let i = 0; i < 20; i++) {
      ledger.push({ type: LEAF_TYPES.heartbeat, payload: utf8('{"reason":"more"}') });
      rounds.wake();
    }
    await expect.poll(() => kept.length).toBe(2);
    await rounds.stop();
    expect(witness.asked).toEqual([
      { oldSize: 0, size: 3 },
      { oldSize: 3, size: 23 },
    ]);
    expect(rounds.witnessed).toBe(ledger.head().checkpoint + kept[1].cosignatures.join(''));
  });

  it('go on asking a witness that failed, and forget a conflict once it cosigns again', async () => {
    await using witness = await startWitness(status(500));
    const { rounds, answers } = start(makeLedger(5), [witness.peer]);
    rounds.wake();
    await expect.poll(() => answers.length).toBeGreaterThan(2);
    expect(rounds.conflicts).toEqual([]);
    witness.answer = size409(6);
    await expect.poll(() => rounds.conflicts).toEqual([expect.stringContaining('it cosigned 6 entries')]);
    witness.answer = honest;
    rounds.wake();
    await expect.poll(() => rounds.conflicts).toEqual([]);
    expect(rounds.witnessed).toContain(name);
    await rounds.stop();
  });

  it('keep what one witness gave when another fails', async () => {
    await using good = await startWitness(honest);
    await using bad = await startWitness(status(500));
    const { rounds, kept } = start(makeLedger(5), [bad.peer, good.peer]);
    rounds.wake();
    await expect.poll(() => kept.length).toBeGreaterThan(0);
    expect(kept[0].cosignatures).toHaveLength(1);
    await rounds.stop();
    const asked = good.asked.length;
    rounds.wake();
    expect(good.asked).toHaveLength(asked);
  });
});
