import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildGoVerifier, copyWithChangedByte, runGoVerifier, runPythonVerifier, writeProofs, type InteropLedger } from './interop.ts';

const SEGMENT = 'ledger/segments/00000000000000000000.seg';

/**
 * The law for every ledger, whoever wrote it: verifiers that share no code with ours accept it, and reject it once a byte is
 * changed. `make` puts a ledger of at least 8 leaves, whose checkpoint covers all of them, into the folder it is given.
 */
export function describeInterop(writer: string, make: (dataDir: string) => Promise<InteropLedger>): void {
  describe(`a ledger of ${writer}`, () => {
    let folder: string;
    let program: string;
    let ledger: InteropLedger;
    const copyOf = (name: string): string => join(folder, name);
    const proofs = (): string => join(folder, 'proofs.json');

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'proofs-interop-'));
      program = await buildGoVerifier(folder);
      ledger = await make(join(folder, 'data'));
      expect(ledger.leaves.length).toBeGreaterThanOrEqual(8);
      await writeProofs(ledger, 3, 5, proofs());
    }, 300_000);

    afterAll(() => rm(folder, { recursive: true, force: true }));

    it('is accepted by Go’s sumdb packages: signature, root, inclusion and consistency', async () => {
      const { exitCode, output } = await runGoVerifier(program, ledger.dataDir, proofs());
      expect([exitCode, output.split(' ')[0], output.split(' ')[2]]).toEqual([0, 'ok', String(ledger.leaves.length)]);
    });

    it.each([
      [0, 1],
      [6, 4],
      [7, 7],
    ])('has an inclusion proof of leaf %i and a consistency proof from size %i that Go accepts', async (index, oldSize) => {
      const path = join(folder, `proofs-${index}-${oldSize}.json`);
      await writeProofs(ledger, index, oldSize, path);
      expect(await runGoVerifier(program, ledger.dataDir, path)).toMatchObject({ exitCode: 0 });
    });

    it('has proofs that Go refuses for another leaf or another tree', async () => {
      const path = join(folder, 'wrong-proofs.json');
      const leaves = ledger.leaves.map((leaf, at) => (at === 4 ? ledger.leaves[5] : leaf));
      await writeProofs({ ...ledger, leaves }, 3, 5, path);
      const outcome = await runGoVerifier(program, ledger.dataDir, path);
      expect([outcome.exitCode, /inclusion proof|consistency proof/.test(outcome.output)]).toEqual([1, true]);
    });

    it('is accepted by a Python script that knows the format document only', async () => {
      const { exitCode, output } = await runPythonVerifier(ledger.dataDir);
      expect([exitCode, output.match(/^ok {2}/gm)?.length]).toEqual([0, ledger.isSealing ? 5 : 4]);
      expect(output).toContain('ok  checkpoint signed by ');
      expect(output.includes('/epoch/')).toBe(ledger.isSealing);
    });

    it.each([
      ['a leaf', SEGMENT, 700, /does not have the MAC|root/],
      ['the checkpoint', 'ledger/checkpoint', 45, /checkpoint|signature|base64/],
    ])('is refused by both when one byte of %s is changed', async (name, file, at, reason) => {
      const target = copyOf(name);
      await copyWithChangedByte(ledger.dataDir, target, file, at);
      const [go, python] = [await runGoVerifier(program, target, proofs()), await runPythonVerifier(target)];
      expect([go.exitCode, python.exitCode]).toEqual([1, 1]);
      expect(go.output).toMatch(reason);
      expect(python.output).toMatch(/^BAD /m);
    });

    it('is refused by the script when one byte of the watermark or of the root key is changed', async () => {
      for (const [file, at] of [
        ['ledger/watermark', 40],
        [ledger.rootKeyFile, 5],
      ] as const) {
        const target = copyOf(file.replace('/', '-'));
        await copyWithChangedByte(ledger.dataDir, target, file, at);
        expect(await runPythonVerifier(target)).toMatchObject({ exitCode: 1 });
      }
    });
  });
}
