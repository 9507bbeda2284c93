import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { ConfigError, type Config } from './config.ts';

/** What the running process must know and must never print. */
export interface Secrets {
  /** SHA-256 of the bearer token; undefined when requests need none. */
  readonly tokenDigest: Buffer | undefined;
}

/** Shorter tokens can be guessed over the network. */
const TOKEN_CHARS_MIN = 16;
/** RFC 6750 section 2.1 */
const TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/;

/** Reads what the config points at; throws ConfigError without ever quoting a secret. */
export function readSecrets(config: Config): Secrets {
  if (config.tokensFile === undefined) return { tokenDigest: undefined };
  let text: string;
  try {
    if ((statSync(config.tokensFile).mode & 0o002) !== 0)
      throw new ConfigError('bad-config', `${config.tokensFile} can be written by everybody; run: chmod 600 ${config.tokensFile}`);
    text = readFileSync(config.tokensFile, 'utf8');
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause;
    throw new ConfigError('bad-config', `PROOFS_TOKENS_FILE="${config.tokensFile}" cannot be read`, { cause });
  }
  const token = text.split('\n', 1)[0].trim();
  if (token.length < TOKEN_CHARS_MIN || !TOKEN.test(token)) {
    throw new ConfigError(
      'bad-config',
      `the first line of ${config.tokensFile} is not a bearer token of at least ${TOKEN_CHARS_MIN} letters, digits or -._~+/`,
    );
  }
  return { tokenDigest: createHash('sha256').update(token).digest() };
}
