import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildGoVerifier, runGoOnServed } from '../support/interop.ts';
import { startSidecar } from '../support/sidecar.ts';

/**
 * A million entries through a real sidecar, and Go's transparency-log packages fetch all of it back over HTTP: signatures, root,
 * inclusions and consistency from served tiles. `node test/interop/million.run.ts [ENTRIES]`; exits with 1 when Go refuses.
 */
const ENTRIES = Number(process.argv[2] ?? 1_000_000);
/** What one request may hold. */
const ENTRIES_PER_REQUEST = 10_000;
const OLD_NOTES = 20;

const folder = mkdtempSync(join(tmpdir(), 'proofs-million-'));
try {
  const program = await buildGoVerifier(folder);
  const dataDir = join(folder, 'data');
  await using sidecar = await startSidecar({ dataDir });
  const requests = Math.ceil(ENTRIES / ENTRIES_PER_REQUEST);
  const oldNotes: string[] = [];
  const begunMs = performance.now();
  for (let request = 0; request < requests; request++) {
    const count = Math.min(ENTRIES_PER_REQUEST, ENTRIES - request * ENTRIES_PER_REQUEST);
    const body = Array.from({ length: count }, (_, i) => `{"level":"info","message":"entry ${request}.${i} of a million"}`).join('\n');
    const headers = { 'content-type': 'application/x-ndjson' };
    const answer = await fetch(`${sidecar.url}/events`, { method: 'POST', headers, body });
    if (answer.status !== 201) throw new Error(`request ${request} was answered with ${answer.status}: ${await answer.text()}`);
    if (request % Math.ceil(requests / OLD_NOTES) === 0) {
      const path = join(folder, `old-${request}.note`);
      writeFileSync(path, await (await fetch(`${sidecar.url}/checkpoint`)).text());
      oldNotes.push(path);
    }
  }
  const ingestedMs = performance.now();
  const verifierKey = readFileSync(join(dataDir, 'ledger/log.vkey'), 'utf8').trim();
  const { exitCode, output } = await runGoOnServed(program, sidecar.url, verifierKey, oldNotes);
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
  process.stdout.write(
    `${ENTRIES} entries in ${seconds(ingestedMs - begunMs)}; Go in ${seconds(performance.now() - ingestedMs)}: ${output}`,
  );
  process.exitCode = exitCode;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
