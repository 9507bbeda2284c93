import { join } from 'node:path';
import { createKeys, defaultVerifierKey, hasKeys } from '../ledger/keys.ts';
import { EXIT_OK, UsageError, type Command } from './command.ts';
import { dataDirOf } from './data-dir.ts';
import { parseOptions } from './options.ts';
import { writeOut } from './write-out.ts';

/** Keys are there already: nothing was changed. */
const EXIT_EXISTS = 73;

export const keygen: Command = {
  name: 'keygen',
  summary: 'make the keys of a new ledger and print its verifier key',
  usage: `usage: pproofs keygen [OPTIONS]

Makes hmac.key and log.key (mode 0600) and prints the verifier key: keep a copy of it away from this machine,
it lets anybody check the ledger later. Optional: the first "pproofs serve" makes keys by itself.
Existing keys are never replaced.

options:
  --keys-dir DIR   where the keys go (PROOFS_KEYS_DIR, otherwise DATA_DIR/keys)
  --data-dir DIR   the ledger's directory (PROOFS_DATA_DIR, otherwise ./data)
  --json           print {"keysDir","verifierKey"}

exit codes: 0 made · 2 usage · 70 error · 73 there are keys already, nothing was changed`,

  async run(args, io) {
    const { values, positionals } = parseOptions(args, {
      'keys-dir': { type: 'string' },
      'data-dir': { type: 'string' },
      json: { type: 'boolean' },
    });
    if (positionals.length > 0) throw new UsageError(`unexpected "${positionals[0]}"`);
    const dataDir = dataDirOf(values['data-dir'], io.env);
    const keysDir = values['keys-dir'] ?? (io.env.PROOFS_KEYS_DIR || join(dataDir, 'keys'));
    if (hasKeys(dataDir, keysDir)) {
      io.stderr.write(`pproofs keygen: there are keys in "${keysDir}" already; nothing was changed\n`);
      return EXIT_EXISTS;
    }
    const { epoch, publicKey } = createKeys(dataDir, keysDir);
    epoch.wipe();
    const verifierKey = defaultVerifierKey(publicKey);
    await writeOut(io.stdout, values.json === true ? `${JSON.stringify({ keysDir, verifierKey })}\n` : `${verifierKey}\n`);
    if (values.json !== true) io.stderr.write(`keys made in ${keysDir}; the line above is the verifier key: keep a copy elsewhere\n`);
    return EXIT_OK;
  },
};
