import { createServer } from 'node:http';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildGoVerifier, runGoOnServed } from '../support/interop.ts';
import { startSidecar, type Sidecar } from '../support/sidecar.ts';
import { tempDir } from '../support/temp-dir.ts';

/** Go's transparency-log packages over HTTP, with nothing of the ledger's folder but the public key. */
const REQUESTS = 6;
const ENTRIES_PER_REQUEST = 200;

describe('a ledger straight from served tiles', () => {
  const folder = tempDir();
  let program: string;
  let sidecar: Sidecar;
  let verifierKey: string;
  const oldNotes: string[] = [];

  beforeAll(async () => {
    program = await buildGoVerifier(folder.path);
    const dataDir = join(folder.path, 'data');
    sidecar = await startSidecar({ dataDir });
    for (let request = 0; request < REQUESTS; request++) {
      const body = Array.from({ length: ENTRIES_PER_REQUEST }, (_, i) => `{"message":"entry ${request}.${i}"}`).join('\n');
      const headers = { 'content-type': 'application/x-ndjson' };
      const answer = await fetch(`${sidecar.url}/events`, { method: 'POST', headers, body });
      expect(answer.status).toBe(201);
      const path = join(folder.path, `old-${request}.note`);
      writeFileSync(path, await (await fetch(`${sidecar.url}/checkpoint`)).text());
      oldNotes.push(path);
    }
    verifierKey = readFileSync(join(dataDir, 'ledger/log.vkey'), 'utf8').trim();
  }, 300_000);

  afterAll(async () => {
    await sidecar[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  it('is accepted by Go: both signatures, root, inclusions, and consistency with older checkpoints', async () => {
    const { exitCode, output } = await runGoOnServed(program, sidecar.url, verifierKey, oldNotes);
    expect([exitCode, output]).toEqual([0, expect.stringMatching(new RegExp(`^ok .* ${REQUESTS} consistencies`))]);
    expect(Number(output.split(' ')[2])).toBeGreaterThan(REQUESTS * ENTRIES_PER_REQUEST);
  });

  it.each([
    ['an entry', '/tile/entries/001', 300, /\broot\b/],
    ['a hash', '/tile/0/000', 40, /tile|inclusion|consistency/],
  ])('is refused by Go when one byte of %s is another on the way', async (_, damaged, at, reason) => {
    const server = createServer((request, response) => {
      void (async () => {
        const answer = await fetch(`${sidecar.url}${request.url ?? ''}`);
        const bytes = Buffer.from(await answer.arrayBuffer());
        if (request.url === damaged) bytes[at] ^= 1;
        response.writeHead(answer.status).end(bytes);
      })();
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const { exitCode, output } = await runGoOnServed(program, `http://127.0.0.1:${port}`, verifierKey, oldNotes);
    server.closeAllConnections();
    server.close();
    expect([exitCode, output]).toEqual([1, expect.stringMatching(reason)]);
  });
});
