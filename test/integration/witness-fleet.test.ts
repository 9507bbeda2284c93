import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { openWitnessKey } from '../../src/anchor/witness-files.ts';
import { cosignedAt, formatCosignerKey, parseCosignerKey } from '../../src/kernel/cosignature.ts';
import { rawPublicKey, verifyEd25519 } from '../../src/kernel/ed25519.ts';
import { nodeHashes } from '../../src/kernel/node-hashes.ts';
import { parseCheckpoint, parseVerifierKey } from '../../src/kernel/note.ts';
import { freePort } from '../support/redis-server.ts';
import { runProgram } from '../support/run-program.ts';
import { startSidecar, type Sidecar } from '../support/sidecar.ts';
import { tempDir } from '../support/temp-dir.ts';

/** Up to five starts of real sidecars in one test. */
vi.setConfig({ testTimeout: 120_000 });

const ROUND_WAIT = { timeout: 20_000, interval: 100 };

/** One of two sidecars that witness each other, with everything it keeps below one folder. */
interface Member {
  readonly dir: string;
  readonly dataDir: string;
  readonly url: string;
  readonly logKey: string;
  start(): Promise<Sidecar>;
}

async function makeMember(dir: string): Promise<Member> {
  const dataDir = join(dir, 'data');
  const { code, out, err } = await runProgram(['keygen', '--data-dir', dataDir, '--json']).result;
  if (code !== 0) throw new Error(`keygen ended with ${code}: ${err}`);
  const port = await freePort();
  const env = {
    PROOFS_ANCHOR: 'file',
    PROOFS_ANCHOR_DIR: join(dir, 'anchors'),
    PROOFS_WITNESS_LOGS_FILE: join(dir, 'logs.txt'),
    PROOFS_WITNESSES_FILE: join(dir, 'witnesses.txt'),
    PROOFS_WITNESS_SECONDS: '1',
  };
  const start = (): Promise<Sidecar> => startSidecar({ dataDir, port, env });
  return { dir, dataDir, url: `http://127.0.0.1:${port}`, logKey: (JSON.parse(out) as { verifierKey: string }).verifierKey, start };
}

/** Both know each other's log and each other as a witness before either has ever run. */
async function introduce(a: Member, b: Member): Promise<void> {
  for (const [member, other] of [
    [a, b],
    [b, a],
  ]) {
    const witnessKey = rawPublicKey(await openWitnessKey(join(other.dataDir, 'keys')));
    const { name } = parseVerifierKey(nodeHashes, other.logKey);
    writeFileSync(join(member.dir, 'logs.txt'), `${other.logKey}\n`);
    writeFileSync(join(member.dir, 'witnesses.txt'), `${other.url} ${formatCosignerKey(nodeHashes, `${name}/witness`, witnessKey)}\n`);
  }
}

async function stop(sidecar: Sidecar): Promise<void> {
  sidecar.kill('SIGTERM');
  expect(await sidecar.exited).toBe(0);
}

async function post(url: string, message: string): Promise<number> {
  const init = { method: 'POST', body: JSON.stringify({ message }), headers: { 'content-type': 'application/json' } };
  const response = await fetch(`${url}/events`, init);
  return ((await response.json()) as { last: number }).last;
}

async function text(url: string): Promise<string> {
  return (await fetch(url)).text();
}

/** Size of the newest checkpoint that the member's witness cosigned; −1: none. */
async function witnessedSize(member: Member): Promise<number> {
  const response = await fetch(`${member.url}/checkpoint?witnessed=1`);
  const note = await response.text();
  return response.status === 200 ? parseCheckpoint(note).size : -1;
}

async function conflicts(member: Member): Promise<number> {
  return Number(/^proofs_witness_conflicts_total (\d+)$/m.exec(await text(`${member.url}/metrics`))?.[1]);
}

/** The young ledger and its lock: everything that an intruder on the machine can put back later. */
async function backUp(member: Member): Promise<void> {
  await using sidecar = await member.start();
  await stop(sidecar);
  for (const part of ['data', 'anchors']) cpSync(join(member.dir, part), join(member.dir, 'backup', part), { recursive: true });
}

function putBack(member: Member): void {
  for (const part of ['data', 'anchors']) {
    rmSync(join(member.dir, part), { recursive: true });
    cpSync(join(member.dir, 'backup', part), join(member.dir, part), { recursive: true });
  }
}

describe('two sidecars that witness each other', () => {
  it('collect cosignatures that anybody can verify, and keep them', async () => {
    using dirOfA = tempDir();
    using dirOfB = tempDir();
    const [a, b] = [await makeMember(dirOfA.path), await makeMember(dirOfB.path)];
    await introduce(a, b);
    await using sidecarOfA = await a.start();
    await using sidecarOfB = await b.start();
    for (const [member, other] of [
      [a, b],
      [b, a],
    ]) {
      const last = await post(member.url, 'watched');
      await expect.poll(() => witnessedSize(member), ROUND_WAIT).toBeGreaterThan(last);
      const note = await text(`${member.url}/checkpoint?witnessed=1`);
      const key = parseCosignerKey(nodeHashes, await text(`${other.url}/witness/key`));
      expect(cosignedAt(parseCheckpoint(note), key, verifyEd25519)).toBeGreaterThan(Date.now() / 1000 - 60);
      expect(existsSync(join(member.dataDir, 'witnessed.checkpoint'))).toBe(true);
      expect(parseCheckpoint(readFileSync(join(member.dataDir, 'witnessed.checkpoint'), 'utf8')).size).toBeGreaterThan(last);
      expect(await conflicts(member)).toBe(0);
    }
    await stop(sidecarOfA);
    await stop(sidecarOfB);
  });

  it('find out that one of them was rolled back, with its lock and all', async () => {
    using dirOfA = tempDir();
    using dirOfB = tempDir();
    const [a, b] = [await makeMember(dirOfA.path), await makeMember(dirOfB.path)];
    await introduce(a, b);
    await backUp(a);
    await using sidecarOfB = await b.start();
    {
      await using sidecar = await a.start();
      const last = await post(a.url, 'to be undone');
      await expect.poll(() => witnessedSize(a), ROUND_WAIT).toBeGreaterThan(last);
      await stop(sidecar);
    }
    const kept = join(a.dir, 'kept.checkpoint');
    cpSync(join(a.dataDir, 'witnessed.checkpoint'), kept);
    putBack(a);
    // Whoever kept what the witness gave needs neither of the two, and no secret.
    const witnessKey = (await text(`${b.url}/witness/key`)).trim();
    const view = ['--data-dir', a.dataDir, '--public-only', '--anchor', kept, '--witness', witnessKey];
    expect((await runProgram(['log', 'verify', ...view]).result).code).toBe(33);
    await using rolledBack = await a.start();
    await expect.poll(() => conflicts(a), ROUND_WAIT).toBeGreaterThan(0);
    const readiness = (await (await fetch(`${a.url}/readyz`)).json()) as { status: string; reasons: string[] };
    expect(readiness.status).toBe('degraded');
    expect(readiness.reasons.join('\n')).toMatch(/witness ".*": it cosigned \d+ entries of this ledger, which has only \d+/);
    expect(rolledBack.stderr()).toContain('it was rolled back or forked');
    await stop(rolledBack);
    await stop(sidecarOfB);
  });

  it('find out that one of them grew again in another way', async () => {
    using dirOfA = tempDir();
    using dirOfB = tempDir();
    const [a, b] = [await makeMember(dirOfA.path), await makeMember(dirOfB.path)];
    await introduce(a, b);
    await backUp(a);
    await using sidecarOfB = await b.start();
    let cosigned = 0;
    {
      await using sidecar = await a.start();
      const last = await post(a.url, 'to be undone');
      await expect.poll(() => witnessedSize(a), ROUND_WAIT).toBeGreaterThan(last);
      cosigned = await witnessedSize(a);
      await stop(sidecar);
    }
    await stop(sidecarOfB);
    putBack(a);
    {
      // While nobody watches, it grows beyond what was cosigned.
      await using alone = await a.start();
      for (let size = 0; size <= cosigned;) size = await post(a.url, 'instead of it');
      await stop(alone);
    }
    await using again = await b.start();
    await using forked = await a.start();
    await expect.poll(() => conflicts(a), ROUND_WAIT).toBeGreaterThan(0);
    expect(await text(`${a.url}/readyz`)).toContain('another history');
    await stop(forked);
    await stop(again);
  });
});
