import { ARTIFACT_NAME } from '../versions/ports.ts';
import type { CommandIo } from './command.ts';
import type { Faults } from './options.ts';
import { toSafeText } from './safe-text.ts';
import { DEFAULT_URL, isHttpUrl } from './sidecar-address.ts';
import { SidecarClient, SidecarError } from './sidecar-client.ts';
import { readTokenFile } from './token-file.ts';

/** Options of every command that talks to a sidecar about versions. */
export const SIDECAR_OPTIONS = {
  url: { type: 'string', default: DEFAULT_URL },
  'token-file': { type: 'string' },
  json: { type: 'boolean' },
} as const;

export const SIDECAR_USAGE = `  --url URL           the sidecar's address (default ${DEFAULT_URL})
  --token-file FILE   bearer token, for a sidecar that asks for one`;

export const EXIT_CODES = `exit codes: 0 · 2 usage · 31 stored bytes are damaged · 69 no sidecar answers · 70 error · 76 refused by the sidecar ·
130 interrupted`;

interface SidecarValues {
  readonly url: string;
  readonly 'token-file'?: string | undefined;
}

/** Call after every other check: it throws the faults. */
export function openClient(values: SidecarValues, faults: Faults, io: CommandIo): SidecarClient {
  if (!isHttpUrl(values.url)) faults.add(`--url is "${values.url}": an address like ${DEFAULT_URL} is needed`);
  faults.throwIfAny();
  const token = values['token-file'] === undefined ? undefined : readTokenFile(values['token-file']);
  return new SidecarClient(values.url, token, io.signal);
}

/** Exactly these words; the first is the name of an artifact. */
export function readWords(faults: Faults, given: readonly string[], wanted: readonly string[], optional = 0): readonly string[] {
  for (const missing of wanted.slice(given.length, wanted.length - optional)) faults.add(`${missing} is missing`);
  for (const surplus of given.slice(wanted.length)) faults.add(`unexpected "${surplus}"`);
  if (given.length > 0 && wanted[0] === 'NAME') checkName(faults, given[0]);
  return given;
}

function checkName(faults: Faults, name: string): void {
  if (!ARTIFACT_NAME.test(name))
    faults.add(`"${name}" cannot be the name of an artifact: 1 to 128 letters, digits and . _ ~ -, with a letter or digit in front`);
}

/** Runs what talks to a sidecar; what it does not do becomes one line and an exit code. */
export async function withSidecar(command: string, client: SidecarClient, io: CommandIo, run: () => Promise<number>): Promise<number> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof SidecarError)) throw error;
    io.stderr.write(`pproofs ${command}: ${explain(error, client.url)}\n`);
    return error.exitCode;
  }
}

function explain(error: SidecarError, url: string): string {
  const reason = toSafeText(error.message);
  if (error.kind === 'unreachable') return `no sidecar answers at ${toSafeText(url)} (${reason}); is "pproofs serve" running there?`;
  if (error.kind === 'refused') return `the sidecar refuses (${error.status}): ${reason}`;
  return reason;
}
