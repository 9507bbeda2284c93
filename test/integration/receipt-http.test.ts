import { cpSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { logVerify } from '../../src/cli/log-verify.ts';
import { utf8 } from '../../src/kernel/bytes.ts';
import { nodeHashes } from '../../src/kernel/node-hashes.ts';
import { parseVerifierKey } from '../../src/kernel/note.ts';
import { checkReceiptAlone, readReceipt, type HeldReceipt } from '../../src/verify/receipt-check.ts';
import { captureIo } from '../support/cli-io.ts';
import { startApp, type RunningApp } from '../support/running-app.ts';
import { tempDir } from '../support/temp-dir.ts';

const RECEIPT = { query: '?receipt=1' } as const;

/** The receipt, proved with the public key alone. */
function proved(app: RunningApp, text: unknown): HeldReceipt {
  const held = readReceipt('the answer', utf8(String(text)));
  expect(checkReceiptAlone(held, parseVerifierKey(nodeHashes, app.context.ledger.identity.verifierKey))).toEqual([]);
  return held;
}

describe('POST /events?receipt=1', () => {
  it('answers a receipt of exactly the entries that were stored', async () => {
    await using app = await startApp();
    const { status, json } = await app.post('[{"message":"a"},{"message":"b"},{"message":"c"}]', RECEIPT);
    expect(status).toBe(201);
    const { receipt } = proved(app, json.receipt);
    expect(receipt).toMatchObject({ first: json.first, last: json.last, checkpoint: json.checkpoint });
    expect(await (await fetch(`${app.url}/metrics`)).text()).toContain('\nproofs_receipts_total 1\n');
  });

  it('answers none unless it is asked', async () => {
    await using app = await startApp();
    expect((await app.post('{"message":"a"}')).json).not.toHaveProperty('receipt');
    for (const query of ['?receipt=0', '?receipt=true', '?receipt='])
      expect((await app.post('{"message":"a"}', { query })).status).toBe(400);
  });

  it('answers a receipt to a retry too, of the entries that landed the first time', async () => {
    await using app = await startApp();
    const first = await app.post('{"message":"once"}', { ...RECEIPT, key: 'k1' });
    await app.post('{"message":"another"}');
    const again = await app.post('{"message":"once"}', { ...RECEIPT, key: 'k1' });
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    const [before, after] = [first, again].map(({ json }) => proved(app, json.receipt));
    expect(after.receipt).toMatchObject({ first: before.receipt.first, last: before.receipt.last });
    expect(after.receipt.inside).toEqual(before.receipt.inside);
    expect(after.checkpoint.size).toBeGreaterThan(before.checkpoint.size);
  });

  it('covers the record of what was refused, also when nothing else was stored', async () => {
    await using app = await startApp();
    const options = { type: 'application/x-ndjson', query: '?receipt=1&onInvalid=skip' };
    const some = await app.post('{"message":"good"}\nbad\n', options);
    expect(some.json).toMatchObject({ accepted: 1, rejected: 1 });
    const { receipt } = proved(app, some.json.receipt);
    expect(receipt.last).toBe(receipt.first + 1);
    const none = await app.post('bad\n', options);
    expect(none.json).toMatchObject({ accepted: 0, first: null });
    expect(proved(app, none.json.receipt).receipt.first).toBe(receipt.last + 1);
  });

  it('covers the largest request', async () => {
    await using app = await startApp();
    const { json } = await app.post('{"message":"one of many"}\n'.repeat(10_000), { ...RECEIPT, type: 'application/x-ndjson' });
    const { receipt } = proved(app, json.receipt);
    expect(receipt.last - receipt.first).toBe(9999);
    expect(String(json.receipt).length).toBeLessThan(5000);
  });
});

describe('GET /ledger/receipt', () => {
  it('answers a receipt of any entries that are there', async () => {
    await using app = await startApp();
    await app.post(JSON.stringify(Array.from({ length: 20 }, (_, i) => ({ message: `${i}` }))));
    for (const [first, last] of [
      [0, 0],
      [3, 17],
      [20, 20],
    ]) {
      const response = await fetch(`${app.url}/ledger/receipt?first=${first}&last=${last}`);
      expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8');
      expect(proved(app, await response.text()).receipt).toMatchObject({ first, last });
    }
  });

  it.each([
    ['first=5&last=4', 400],
    ['first=0&last=16384', 400],
    ['first=0', 400],
    ['first=-1&last=0', 400],
    ['first=0&last=1&more=1', 400],
    ['first=0&last=1000', 404],
  ])('refuses %s with %i', async (query, status) => {
    await using app = await startApp();
    expect((await app.getJson(`/ledger/receipt?${query}`)).status).toBe(status);
  });

  it('gives none that could not be verified later: entries changed on the disk are found out', async () => {
    await using app = await startApp();
    await app.post('[{"message":"original"},{"message":"other"}]');
    const segment = join(app.dataDir, 'ledger/segments/00000000000000000000.seg');
    writeFileSync(segment, Buffer.from(readFileSync(segment).toString('latin1').replace('original', 'changed!'), 'latin1'), { flag: 'r+' });
    const { status, json } = await app.getJson('/ledger/receipt?first=1&last=1');
    expect(status).toBe(500);
    expect(json.detail).toContain('do not lead to the root that was signed');
  });
});

describe('fifty receipts of a sidecar', () => {
  it('are honoured afterwards, and each refuses the ledger cut right below it', async () => {
    using dir = tempDir();
    const dataDir = join(dir.path, 'data');
    const receipts: { path: string; first: number }[] = [];
    {
      await using app = await startApp({ dataDir });
      for (let i = 0; i < 50; i++) {
        const { json } = await app.post(`{"message":"event ${i}"}`, RECEIPT);
        const path = join(dir.path, `receipt-${i}`);
        writeFileSync(path, String(json.receipt));
        receipts.push({ path, first: Number(json.first) });
      }
    }
    const verify = async (folder: string, paths: readonly string[]): Promise<{ verdict: string; exitCode: number }> => {
      const io = captureIo();
      await logVerify.run(['--data-dir', folder, '--json', ...paths.flatMap((path) => ['--receipt', path])], io);
      return JSON.parse(io.out()) as { verdict: string; exitCode: number };
    };
    expect(
      (
        await verify(
          dataDir,
          receipts.map(({ path }) => path),
        )
      ).verdict,
    ).toBe('OK_UNANCHORED');
    const frames = frameOffsets(readFileSync(join(dataDir, 'ledger/segments', readdirSync(join(dataDir, 'ledger/segments'))[0])));
    for (const { path, first } of receipts) {
      const cut = join(dir.path, `cut-${first}`);
      cpSync(dataDir, cut, { recursive: true });
      truncateSync(join(cut, 'ledger/segments/00000000000000000000.seg'), frames[first]);
      const { exitCode, verdict } = await verify(cut, [path]);
      expect({ first, verdict, exitCode }).toEqual({ first, verdict: 'TRUNCATED', exitCode: 30 });
    }
  });
});

/** Where each leaf's frame begins. */
function frameOffsets(segment: Buffer): number[] {
  const offsets: number[] = [];
  for (let at = 0; at < segment.length; at += 2 + segment.readUInt16BE(at)) offsets.push(at);
  return offsets;
}
