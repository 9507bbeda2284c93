import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { AttackError } from '../attack-error.ts';
import type { Attack } from '../attack.ts';
import { isThere, readAll, rewrite } from '../disk.ts';
import { isReplaced } from '../is-replaced.ts';

export const swapKeyFile: Attack = {
  name: 'swap-key-file',
  summary: 'the file of the running key is exchanged for one with another key, so that the writer goes on with the intruder’s',
  needs: ['seals'],
  isHarmful: false,
  expected: { root: 'KEY_MISMATCH', anchor: 'OK_ANCHORED', public: 'OK_UNANCHORED' },
  isLocated: false,
  live: 'detected',
  apply(view) {
    const path = join(view.keysDir, 'epoch.key');
    if (!isThere(path)) throw new AttackError('not-possible', 'the ledger has no epoch.key');
    const other = randomBytes(32).toString('hex');
    const text = readAll(path).toString('latin1');
    const stored = Buffer.from(text.replace(/[0-9a-f]{64}/u, other));
    rewrite(path, stored);
    return { leaves: undefined, note: `put another key into ${path}`, isUndone: () => isReplaced(path, 0, stored) };
  },
};
