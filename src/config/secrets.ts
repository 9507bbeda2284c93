import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import type { ArchiveConfig } from './archive-config.ts';
import { ConfigError, type Config } from './config.ts';
import { SETTINGS, type Setting } from './settings.ts';

/** What the running process must know and must never print. */
export interface Secrets {
  /** SHA-256 of the bearer token; undefined when requests need none. */
  readonly tokenDigest: Buffer | undefined;
  /** Of the Redis server; undefined when the address has it, or none is needed. */
  readonly redisPassword: string | undefined;
  /** Of the archive's store, when that is S3. */
  readonly s3: { readonly accessKeyId: string; readonly secretAccessKey: string } | undefined;
}

/** Shorter tokens can be guessed over the network. */
const TOKEN_CHARS_MIN = 16;
/** RFC 6750 section 2.1 */
const TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/;

/** Reads what the config points at; throws ConfigError without ever quoting a secret. */
export function readSecrets(config: Config): Secrets {
  return {
    tokenDigest: readTokenDigest(config.tokensFile),
    redisPassword: readRedisPassword(config),
    s3: readS3Keys(config.archive),
  };
}

function readTokenDigest(path: string | undefined): Buffer | undefined {
  if (path === undefined) return undefined;
  const token = readFirstLine(SETTINGS.tokensFile, path).trim();
  if (token.length < TOKEN_CHARS_MIN || !TOKEN.test(token)) {
    throw new ConfigError(
      'bad-config',
      `the first line of ${path} is not a bearer token of at least ${TOKEN_CHARS_MIN} letters, digits or -._~+/`,
    );
  }
  return createHash('sha256').update(token).digest();
}

function readRedisPassword({ anchor, limits, redisPasswordFile }: Config): string | undefined {
  if ((anchor.kind !== 'redis' && limits.kind !== 'redis') || redisPasswordFile === undefined) return undefined;
  const password = readFirstLine(SETTINGS.redisPasswordFile, redisPasswordFile).replace(/\r$/, '');
  if (password === '') throw new ConfigError('bad-config', `the first line of ${redisPasswordFile} is empty`);
  return password;
}

/** The two lines of PROOFS_S3_KEY_FILE; undefined when the archive is no S3 store. */
export function readS3Keys(archive: ArchiveConfig): Secrets['s3'] {
  if (archive.kind !== 's3') return undefined;
  const [accessKeyId, secretAccessKey = ''] = readLines(SETTINGS.s3KeyFile, archive.keyFile).map((line) => line.trim());
  if (accessKeyId === '' || secretAccessKey === '')
    throw new ConfigError('bad-config', `${archive.keyFile} needs two lines: the access key id and the secret access key`);
  return { accessKeyId, secretAccessKey };
}

function readFirstLine(setting: Setting, path: string): string {
  return readLines(setting, path)[0];
}

function readLines(setting: Setting, path: string): string[] {
  try {
    if ((statSync(path).mode & 0o002) !== 0)
      throw new ConfigError('bad-config', `${path} can be written by everybody; run: chmod 600 ${path}`);
    return readFileSync(path, 'utf8').split('\n');
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause;
    throw new ConfigError('bad-config', `${setting.env}="${path}" cannot be read`, { cause });
  }
}
