import { Writable } from 'node:stream';
import type { Attack, ExpectedVerdicts } from '../attack/attack.ts';
import type { CommandIo } from './command.ts';
import { logVerify } from './log-verify.ts';

/** What a verifier may be given; see attack/attack.ts. */
export type VerifierInput = keyof ExpectedVerdicts;

export interface Evidence {
  readonly dataDir: string;
  readonly keysDir: string | undefined;
  /** File of the root key, kept elsewhere; undefined when there is none to verify with. */
  readonly rootKeyFile: string | undefined;
  /** File of a checkpoint of before the attack. */
  readonly anchorFile: string;
  /** The ledger's archive, and its checkpoint of before. */
  readonly archive: { readonly dir: string; readonly anchorFile: string } | undefined;
  /** The genuine verifier key text. */
  readonly verifierKey: string;
  /** The ledger never sealed its keys, which is no news. */
  readonly isUnsealed: boolean;
}

export interface VerifierAnswer {
  readonly verdict: string;
  readonly findings: readonly {
    readonly verdict: string;
    readonly place: { readonly file: string; readonly seqFirst?: number; readonly seqLast?: number; readonly byteOffset?: number };
  }[];
  readonly notChecked: readonly string[];
}

/** Runs `log verify` as a user would, and reads its --json. Undefined when there is no key for this input. */
export async function verifyEvidence(
  evidence: Evidence,
  on: Attack['on'],
  input: VerifierInput,
  io: CommandIo,
): Promise<VerifierAnswer | undefined> {
  const args = verifyArguments(evidence, on, input);
  if (args === undefined) return undefined;
  let text = '';
  const stdout = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString('utf8');
      done();
    },
  });
  await logVerify.run([...args, '--json'], { ...io, stdout, isTerminal: false, useColor: false, env: {} });
  return JSON.parse(text) as VerifierAnswer;
}

/** What `log verify` is given. */
export function verifyArguments(evidence: Evidence, on: Attack['on'], input: VerifierInput): string[] | undefined {
  const { archive, dataDir, keysDir, rootKeyFile, verifierKey } = evidence;
  const isArchive = on === 'archive' && archive !== undefined;
  const where = isArchive ? ['--archive', archive.dir] : ['--data-dir', dataDir];
  const base = [...where, ...(evidence.isUnsealed ? ['--allow-unsealed'] : [])];
  const keys = keysDir === undefined ? [] : ['--keys-dir', keysDir];
  if (input === 'root') return rootKeyFile === undefined ? undefined : [...base, ...keys, '--hmac-key', rootKeyFile];
  const stranger = [...base, '--public-only', '--key', verifierKey];
  return input === 'public' ? stranger : [...stranger, '--anchor', isArchive ? archive.anchorFile : evidence.anchorFile];
}
