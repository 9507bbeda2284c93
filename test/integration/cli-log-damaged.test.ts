import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { logCat } from '../../src/cli/log-cat.ts';
import { openLedger } from '../../src/ledger/open-ledger.ts';
import { batchOf } from '../support/batch-of.ts';
import { captureIo } from '../support/cli-io.ts';
import { tempDir } from '../support/temp-dir.ts';

it('says where reading stopped when a segment is damaged', async () => {
  using dir = tempDir();
  const ledger = await openLedger({ dataDir: dir.path });
  await ledger.append({ events: batchOf([{ message: 'first' }, { message: 'second' }]) });
  await ledger.close();
  const path = join(dir.path, 'ledger', 'segments', '00000000000000000000.seg');
  const bytes = readFileSync(path);
  // The last leaf's counter.
  bytes[bytes.lastIndexOf('{"message":"second"}') - 13] ^= 1;
  writeFileSync(path, bytes);
  const io = captureIo();
  expect(await logCat.run(['--data-dir', dir.path], io)).toBe(0);
  expect(io.out()).toContain('first');
  expect(io.out()).not.toContain('second');
  expect(io.err()).toContain('reading stopped at 00000000000000000000.seg, entry 2, byte ');
});
