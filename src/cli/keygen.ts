import { join } from 'node:path';
import { parseConfig } from '../config/config.ts';
import { readSecrets } from '../config/secrets.ts';
import { toLockOptions } from '../config/to-lock-options.ts';
import { createKeys, defaultVerifierKey, hasKeys } from '../ledger/keys.ts';
import { rotateKeys } from '../ledger/rotate-keys.ts';
import { EXIT_OK, UsageError, type Command, type CommandIo } from './command.ts';
import { dataDirOf } from './data-dir.ts';
import { parseOptions } from './options.ts';
import { writeOut } from './write-out.ts';

/** Keys are there already: nothing was changed. */
const EXIT_EXISTS = 73;

interface KeygenTask {
  readonly dataDir: string;
  readonly keysDir: string;
  readonly escrow: string | undefined;
  readonly isJson: boolean;
}

export const keygen: Command = {
  name: 'keygen',
  summary: 'make the keys of a new ledger and print its verifier key, or give a ledger a new root key',
  usage: `usage: pproofs keygen [OPTIONS]

Makes verification.key, epoch.key and log.key (mode 0600) and prints the verifier key: keep a copy of it away from this
machine, it lets anybody check the ledger later. Optional: the first "pproofs serve" makes keys by itself.
Existing keys are never replaced.

verification.key is the root of all later keys and is not needed to write: move it off this machine, or give --escrow.
As long as it lies here, whoever takes the machine can rewrite what was sealed.

options:
  --escrow PATH    write the root key to PATH instead of verification.key; an existing file is refused
  --rotate         on a stopped ledger: end the epoch with a key-rotate entry and begin a new root key; the old one, if it
                   is still here, becomes verification-EPOCH.key and is needed to check what was written under it
  --keys-dir DIR   where the keys go (PROOFS_KEYS_DIR, otherwise DATA_DIR/keys)
  --data-dir DIR   the ledger's directory (PROOFS_DATA_DIR, otherwise ./data)
  --json           print {"keysDir","rootKey","verifierKey"}, with --rotate {"firstEpoch","keysDir","rootKey"}

exit codes: 0 made · 2 usage · 30–34 the ledger must not be written, see docs/errors.md · 70 error ·
            73 there are keys already, nothing was changed`,

  async run(args, io) {
    const { values, positionals } = parseOptions(args, {
      escrow: { type: 'string' },
      rotate: { type: 'boolean' },
      'keys-dir': { type: 'string' },
      'data-dir': { type: 'string' },
      json: { type: 'boolean' },
    });
    if (positionals.length > 0) throw new UsageError(`unexpected "${positionals[0]}"`);
    const dataDir = dataDirOf(values['data-dir'], io.env);
    const keysDir = values['keys-dir'] ?? (io.env.PROOFS_KEYS_DIR || join(dataDir, 'keys'));
    const task = { dataDir, keysDir, escrow: values.escrow, isJson: values.json === true };
    return values.rotate === true ? rotate(task, io) : make(task, io);
  },
};

async function make({ dataDir, keysDir, escrow, isJson }: KeygenTask, io: CommandIo): Promise<number> {
  if (hasKeys(dataDir, keysDir)) {
    io.stderr.write(`pproofs keygen: there are keys in "${keysDir}" already; nothing was changed\n`);
    return EXIT_EXISTS;
  }
  const { epoch, publicKey } = createKeys(dataDir, keysDir, escrow);
  epoch.wipe();
  const verifierKey = defaultVerifierKey(publicKey);
  const rootKey = escrow ?? join(keysDir, 'verification.key');
  await writeOut(io.stdout, isJson ? `${JSON.stringify({ keysDir, rootKey, verifierKey })}\n` : `${verifierKey}\n`);
  if (isJson) return EXIT_OK;
  io.stderr.write(`keys made in ${keysDir}; the line above is the verifier key: keep a copy elsewhere\n${whereTo(rootKey)}`);
  return EXIT_OK;
}

async function rotate({ dataDir, keysDir, escrow, isJson }: KeygenTask, io: CommandIo): Promise<number> {
  const config = parseConfig({ ...io.env, PROOFS_DATA_DIR: dataDir, PROOFS_KEYS_DIR: keysDir });
  const lock = toLockOptions(config, readSecrets(config));
  const { firstEpoch, rootKey } = await rotateKeys({ dataDir, keysDir, escrow, lock });
  if (isJson) await writeOut(io.stdout, `${JSON.stringify({ firstEpoch, keysDir, rootKey })}\n`);
  else io.stderr.write(`a new root key is in force from epoch ${firstEpoch} on\n${whereTo(rootKey)}`);
  return EXIT_OK;
}

function whereTo(rootKey: string): string {
  return `the root key is in ${rootKey}: move that file off this machine; until then forward security is not in force\n`;
}
