import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { startApp } from '../support/running-app.ts';
import { startSidecar } from '../support/sidecar.ts';
import { tempDir } from '../support/temp-dir.ts';

const NOT_IN_FORCE = 'not in force: KEYS_DIR/verification.key is still on this machine';

it('is said not to be in force by the start and by /ledger/status, until the root key is moved away', async () => {
  using dir = tempDir();
  using elsewhere = tempDir();
  await using sidecar = await startSidecar({ dataDir: dir.path, env: { PROOFS_LOG_LEVEL: 'info' } });
  const status = async (): Promise<unknown> => (await fetch(`${sidecar.url}/ledger/status`)).json();
  expect(await status()).toMatchObject({ epochs: { isSealing: true, forwardSecurity: NOT_IN_FORCE } });
  await expect.poll(() => sidecar.stderr()).toContain(`"msg":"forward security is ${NOT_IN_FORCE}"`);
  renameSync(join(dir.path, 'keys', 'verification.key'), join(elsewhere.path, 'verification.key'));
  expect(await status()).toMatchObject({ epochs: { forwardSecurity: 'in force' } });
  sidecar.kill('SIGTERM');
  expect(await sidecar.exited).toBe(0);
  await using again = await startSidecar({ dataDir: dir.path, env: { PROOFS_LOG_LEVEL: 'info' } });
  await expect.poll(() => again.stderr()).toContain('"forwardSecurity":"in force"');
  expect(again.stderr()).not.toContain('forward security is not');
});

it('counts epochs and what stands under a seal in /ledger/status', async () => {
  await using app = await startApp({ epochSealAfterMs: 1 });
  await app.post('{"message":"soon sealed"}');
  const epochs = async () => (await app.getJson('/ledger/status')).json.epochs as { running: number; sealedUpTo: number };
  await expect.poll(async () => (await epochs()).sealedUpTo).toBeGreaterThanOrEqual(3);
  expect((await epochs()).running).toBeGreaterThanOrEqual(1);
});
