import { writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { LEAF_TYPES } from '../../src/kernel/leaf.ts';
import { nodeHashes } from '../../src/kernel/node-hashes.ts';
import { formatVerifierKey } from '../../src/kernel/note.ts';
import { openLedgerReader } from '../../src/ledger/open-reader.ts';
import { startApp } from '../support/running-app.ts';
import { tempDir } from '../support/temp-dir.ts';

/** Accepts connections and never says a word. */
async function startMute(): Promise<{ readonly url: string; connections(): number } & AsyncDisposable> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => sockets.push(socket.on('error', () => undefined).resume()));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    connections: () => sockets.length,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The payload of the last entry on the disk. */
async function lastSeal(dataDir: string): Promise<string> {
  const reader = openLedgerReader(dataDir);
  for await (const leaf of reader.leaves(reader.head().size - 1, Number.MAX_SAFE_INTEGER))
    if (leaf.type === LEAF_TYPES.epochSeal) return Buffer.from(leaf.payload).toString();
  return '';
}

it('a stop writes the last seal at once, and soon ends, while archive and witness hang', { timeout: 30_000 }, async () => {
  using dir = tempDir();
  await using archive = await startMute();
  await using witness = await startMute();
  const [keys, witnesses] = [join(dir.path, 's3'), join(dir.path, 'witnesses')];
  writeFileSync(keys, 'id\nsecret\n', { mode: 0o600 });
  const key = formatVerifierKey(nodeHashes, 'mute.example', new Uint8Array(32).fill(9), 0x04);
  writeFileSync(witnesses, `${witness.url} ${key}\n`);
  const dataDir = join(dir.path, 'data');
  const env = {
    PROOFS_ARCHIVE: 's3://bucket',
    PROOFS_S3_ENDPOINT: archive.url,
    PROOFS_S3_REGION: 'x',
    PROOFS_S3_KEY_FILE: keys,
    PROOFS_WITNESSES_FILE: witnesses,
  };
  await using app = await startApp({ dataDir, env });
  await app.post('{"message":"the last"}');
  await expect.poll(() => Math.min(archive.connections(), witness.connections())).toBeGreaterThan(0);
  app.context.app.server.closeAllConnections();
  const startMs = performance.now();
  const stopping = app.context.stop();
  await expect.poll(() => lastSeal(dataDir), { timeout: 10_000, interval: 50 }).toContain('"final":true');
  await stopping;
  // A machine under load takes seconds for what takes two here; the store alone would hang for half a minute.
  expect(performance.now() - startMs).toBeLessThan(12_000);
});

it('a check of a proxy that arrives while the sidecar stops is refused, and its connection is closed', async () => {
  using dir = tempDir();
  const limits = join(dir.path, 'limits.yaml');
  writeFileSync(limits, 'limits: [{ name: ip, key: ip, limit: 5, window: 1m }]\n');
  await using app = await startApp({ dataDir: join(dir.path, 'data'), env: { PROOFS_LIMITS_FILE: limits } });
  const socket = connect(app.port, '127.0.0.1');
  const answer = text(socket);
  // Its head is not complete yet: the connection has work to do, and stays.
  socket.write('GET /ratelimit/check/x HTTP/1.1\r\nHost: a\r\n');
  // Comes later, and so what was sent before is known when it is answered.
  await app.getJson('/readyz');
  const stopping = app.context.stop();
  socket.write('\r\n');
  const said = await answer;
  await stopping;
  expect(said).toMatch(/^HTTP\/1\.1 503 /);
  expect(said).toContain('urn:post-incident-proofs:error:closed');
  expect(said.toLowerCase()).toContain('connection: close');
});
