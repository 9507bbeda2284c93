/**
 * `npm run bench:versions:large [-- --mib 1024] [-- --sparse-mib 2304]`: a large artifact through a real sidecar over HTTP: put, a small
 * change, a rollback, and reading the old version. Peak memory of the process (VmHWM) above what it has when it takes requests.
 */
import { createCipheriv, createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { parseArgs } from 'node:util';
import { startSidecar, useBuiltSidecar, type Sidecar } from '../../test/support/sidecar.ts';
import { tempDir } from '../../test/support/temp-dir.ts';

const MIB = 1024 ** 2;
const RESULTS = new URL('../results/versions-large.json', import.meta.url);
/** What is inserted in the middle: everything behind it moves. */
const INSERTED = Buffer.from('a line that was not there before\n');

interface Step {
  readonly what: string;
  readonly seconds: number;
  /** Peak so far, above the start. */
  readonly peakMiB: number;
}

const { values } = parseArgs({ options: { mib: { type: 'string', default: '1024' }, 'sparse-mib': { type: 'string', default: '2304' } } });
useBuiltSidecar();
const results = {
  random: await run('random bytes', Number(values.mib), false),
  sparse: await run('zeros', Number(values['sparse-mib']), true),
};
writeFileSync(RESULTS, `${JSON.stringify(results, null, 2)}\n`);

async function run(what: string, mib: number, isSparse: boolean): Promise<{ what: string; mib: number; steps: Step[] }> {
  using directory = tempDir();
  await using sidecar = await startSidecar({ dataDir: directory.path, env: { PROOFS_ANCHOR: 'off', PROOFS_LOG_LEVEL: 'error' } });
  const idleMiB = peakOf(sidecar);
  const steps: Step[] = [];
  const timed = async <T>(name: string, action: () => Promise<T>): Promise<T> => {
    const startMs = performance.now();
    const answer = await action();
    const step = {
      what: name,
      seconds: Math.round((performance.now() - startMs) / 100) / 10,
      peakMiB: Math.round(peakOf(sidecar) - idleMiB),
    };
    console.log(`${what}, ${mib} MiB: ${name} ${step.seconds} s, peak ${step.peakMiB} MiB above ${Math.round(idleMiB)} MiB`);
    steps.push(step);
    return answer;
  };
  const artifact = `${sidecar.url}/versions/large`;
  const first = await timed('put', () => put(artifact, { 'if-none-match': '*' }, content(mib, isSparse)));
  const second = await timed('put with a small change', () => put(artifact, { 'if-match': first }, content(mib, isSparse, INSERTED)));
  const back = await timed('rollback', async () => {
    const body = JSON.stringify({ to: 1, reason: 'bench' });
    const response = await fetch(`${artifact}/rollback`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'if-match': second },
      body,
    });
    if (response.status !== 201) throw new Error(`${response.status}: ${await response.text()}`);
    return response.headers.get('etag') ?? '';
  });
  if (back.split('-')[1] !== first.split('-')[1]) throw new Error('the rollback led to another content');
  const hash = await timed('get version 2', async () => {
    const { body } = await fetch(`${artifact}/2`);
    const sum = createHash('sha256');
    for await (const chunk of body ?? []) sum.update(chunk);
    return sum.digest('hex');
  });
  if (`2-${hash}` !== second.replaceAll('"', '')) throw new Error('version 2 came back with other bytes');
  return { what, mib, steps };
}

async function put(url: string, headers: Readonly<Record<string, string>>, chunks: Iterable<Uint8Array>): Promise<string> {
  const response = await fetch(url, {
    method: 'PUT',
    headers,
    body: Readable.toWeb(Readable.from(chunks)) as ReadableStream,
    duplex: 'half',
  });
  if (response.status !== 201) throw new Error(`${response.status}: ${await response.text()}`);
  return response.headers.get('etag') ?? '';
}

function* content(mib: number, isSparse: boolean, inserted?: Uint8Array): Generator<Uint8Array> {
  const zeros = Buffer.alloc(MIB);
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16));
  for (let i = 0; i < mib; i++) {
    yield isSparse ? zeros : cipher.update(zeros);
    if (i === Math.floor(mib / 2) && inserted !== undefined) yield inserted;
  }
}

/** MiB. */
function peakOf({ pid }: Sidecar): number {
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}
