import { join } from 'node:path';
import type { LedgerPaths } from '../ledger/paths.ts';
import type { ExpectedLedger } from './expected-ledger.ts';
import { SmallFile } from './small-file.ts';

/** The files beside the segments that decide what is believed, under the names of docs/formats/ledger.md. */
export function smallFiles(paths: LedgerPaths, expected: ExpectedLedger, drain: () => void): SmallFile[] {
  const { checkpoint, watermark, 'epoch-key': epochKey } = expected.files;
  const key = (name: string, rules: ConstructorParameters<typeof SmallFile>[2]): SmallFile =>
    new SmallFile(`keys/${name}`, join(paths.keys, name), rules, drain);
  return [
    new SmallFile('ledger/checkpoint', paths.checkpoint, { expected: checkpoint, isReplaced: true }, drain),
    new SmallFile('ledger/watermark', paths.watermark, { expected: watermark }, drain),
    new SmallFile('ledger/log.vkey', paths.verifierKey, {}, drain),
    new SmallFile('ledger.lock', paths.lock, {}, drain),
    key('log.key', {}),
    key('epoch.key', { expected: epochKey, isReplaced: true }),
    key('hmac.key', {}),
    // Operators are asked to move it off the machine.
    key('verification.key', { mayLeave: true }),
  ];
}
