import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { logCat } from '../../src/cli/log-cat.ts';
import { logProof } from '../../src/cli/log-proof.ts';
import { logTail } from '../../src/cli/log-tail.ts';
import { openLedger } from '../../src/ledger/open-ledger.ts';
import { batchOf } from '../support/batch-of.ts';
import { captureIo } from '../support/cli-io.ts';

function messagesIn(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => line.includes('"type":"event"'))
    .map((line) => (JSON.parse(line) as { payload: { message: string } }).payload.message);
}

test('log tail -f shows each event that a running writer stores, once and in order, and ends with Ctrl-C', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'proofs-cli-live-'));
  const ledger = await openLedger({ dataDir: dir });
  try {
    await ledger.append({ events: batchOf([{ message: 'before 1' }, { message: 'before 2' }]) });
    const expected = ['before 2', ...Array.from({ length: 30 }, (_, at) => `live ${at}`)];
    const io = captureIo({
      env: { PROOFS_DATA_DIR: dir },
      onOut: () => {
        if (messagesIn(io.out()).length >= expected.length) io.controller.abort();
      },
    });
    const tail = logTail.run(['-n', '1', '-f', '--json'], io);
    for (let at = 0; at < 30; at++) await ledger.append({ events: batchOf([{ level: 'info', message: `live ${at}` }]) });
    expect(await tail).toBe(0);
    expect(messagesIn(io.out())).toEqual(expected);
  } finally {
    await ledger.close();
    rmSync(dir, { recursive: true, force: true });
  }
});

test('log cat and log proof read beside a running writer', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'proofs-cli-live-'));
  const ledger = await openLedger({ dataDir: dir });
  try {
    const { first, last } = await ledger.append({ events: batchOf(Array.from({ length: 700 }, (_, at) => ({ message: `entry ${at}` }))) });
    const io = captureIo({ env: { PROOFS_DATA_DIR: dir } });
    expect(await logCat.run(['--seq', `${first + 300}..${first + 302}`, '--json'], io)).toBe(0);
    expect(messagesIn(io.out())).toEqual(['entry 300', 'entry 301', 'entry 302']);
    expect(io.err()).toBe('');
    expect(await logProof.run(['--seq', String(last)], io)).toBe(0);
  } finally {
    await ledger.close();
    rmSync(dir, { recursive: true, force: true });
  }
});
