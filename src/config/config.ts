import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { parse } from 'yaml';
import { CodedError } from '../kernel/errors.ts';
import { isKeyName } from '../kernel/note.ts';
import { parseAnchorConfig, type AnchorConfig } from './anchor-config.ts';
import { parseArchiveConfig, type ArchiveConfig } from './archive-config.ts';
import { parseLimitsConfig, type LimitsConfig } from './limits-config.ts';
import { parseRetentionConfig, type RetentionConfig } from './retention-config.ts';
import { parseVersionsConfig, type VersionsConfig } from './versions-config.ts';
import { SETTINGS, type Setting } from './settings.ts';

export class ConfigError extends CodedError<'bad-config'> {}

/** How the sidecar runs. No secret in here: those are in Secrets. */
export interface Config {
  readonly host: string;
  readonly port: number;
  readonly dataDir: string;
  readonly keysDir: string;
  readonly origin: string | undefined;
  readonly tokensFile: string | undefined;
  readonly anchor: AnchorConfig;
  readonly witnessLogsFile: string | undefined;
  readonly witnessesFile: string | undefined;
  readonly witnessSeconds: number;
  readonly archive: ArchiveConfig;
  readonly retention: RetentionConfig;
  readonly limits: LimitsConfig;
  readonly versions: VersionsConfig;
  readonly redisPasswordFile: string | undefined;
  readonly isWatched: boolean;
  readonly isImmutable: boolean;
  readonly logLevel: LogLevel;
}

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** A witness that hears less often than once an hour notices next to nothing. */
const SECONDS_MAX = 3600;

/** Environment and YAML file → config; throws ConfigError naming every fault. */
export function parseConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const faults: string[] = [];
  const file = readYaml(env[SETTINGS.config.env] || undefined, faults);
  const value = (setting: Setting): string | undefined =>
    env[setting.env] || (setting.key === undefined ? undefined : file.get(setting.key));
  const host = value(SETTINGS.host) ?? SETTINGS.host.fallback;
  const dataDir = value(SETTINGS.dataDir) ?? SETTINGS.dataDir.fallback;
  const origin = value(SETTINGS.origin);
  const tokensFile = value(SETTINGS.tokensFile);
  if (origin !== undefined && !isKeyName(origin))
    faults.push(`${SETTINGS.origin.env} may hold neither white space, nor control characters, nor "+", and at most 255 characters`);
  if (!isLoopback(host) && tokensFile === undefined) {
    faults.push(
      `${SETTINGS.host.env}="${host}" is reachable from other machines: set ${SETTINGS.tokensFile.env} to a file with a bearer token (for example: openssl rand -hex 32 > token && chmod 600 token), or listen on 127.0.0.1`,
    );
  }
  const config = {
    host,
    port: parsePort(value(SETTINGS.port) ?? SETTINGS.port.fallback, faults),
    dataDir,
    keysDir: value(SETTINGS.keysDir) ?? join(dataDir, 'keys'),
    origin,
    tokensFile,
    anchor: parseAnchorConfig(value, env, faults),
    witnessLogsFile: value(SETTINGS.witnessLogsFile),
    witnessesFile: value(SETTINGS.witnessesFile),
    witnessSeconds: parseSeconds(SETTINGS.witnessSeconds, value, faults),
    archive: parseArchiveConfig(value, faults),
    retention: parseRetentionConfig(value, faults),
    limits: parseLimitsConfig(value, faults),
    versions: parseVersionsConfig(value, faults),
    redisPasswordFile: value(SETTINGS.redisPasswordFile),
    isWatched: parseChoice(SETTINGS.watch, ['on', 'off'], value, faults) === 'on',
    isImmutable: parseChoice(SETTINGS.watchImmutable, ['auto', 'off'], value, faults) === 'auto',
    logLevel: parseLogLevel(value(SETTINGS.logLevel) ?? SETTINGS.logLevel.fallback, faults),
  };
  if (faults.length > 0) throw new ConfigError('bad-config', faults.join('\n'));
  return config;
}

/** True for addresses only this machine can reach. A name counts as loopback only when it is "localhost". */
export function isLoopback(host: string): boolean {
  if (host === 'localhost' || host === '::1') return true;
  return isIP(host) === 4 && host.startsWith('127.');
}

function parsePort(text: string, faults: string[]): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port;
  faults.push(`${SETTINGS.port.env}="${text}" is not a port number from 0 to 65535`);
  return 0;
}

function parseSeconds(setting: Setting, value: (setting: Setting) => string | undefined, faults: string[]): number {
  const text = value(setting) ?? setting.fallback;
  const seconds = Number(text);
  if (/^\d{1,4}$/.test(text) && seconds >= 1 && seconds <= SECONDS_MAX) return seconds;
  faults.push(`${setting.env}="${text}" is not a number of seconds from 1 to ${SECONDS_MAX}`);
  return 1;
}

function parseChoice(
  setting: Setting,
  choices: readonly string[],
  value: (setting: Setting) => string | undefined,
  faults: string[],
): string {
  const text = value(setting) ?? setting.fallback;
  if (!choices.includes(text)) faults.push(`${setting.env}="${text}" is neither ${choices.join(' nor ')}`);
  return text;
}

function parseLogLevel(text: string, faults: string[]): LogLevel {
  const level = LOG_LEVELS.find((name) => name === text);
  if (level === undefined) faults.push(`${SETTINGS.logLevel.env}="${text}" is not one of ${LOG_LEVELS.join(', ')}`);
  return level ?? 'info';
}

function readYaml(path: string | undefined, faults: string[]): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  if (path === undefined) return values;
  let content: unknown;
  try {
    content = parse(readFileSync(path, 'utf8'));
  } catch (error) {
    faults.push(
      `${SETTINGS.config.env}="${path}" cannot be read: ${error instanceof Error ? error.message.split('\n', 1)[0] : String(error)}`,
    );
    return values;
  }
  if (content === null || content === undefined) return values;
  if (typeof content !== 'object' || Array.isArray(content)) {
    faults.push(`${path} is not a YAML mapping of settings`);
    return values;
  }
  const known = new Set(Object.values<Setting>(SETTINGS).flatMap((setting) => setting.key ?? []));
  for (const [key, value] of Object.entries(content)) {
    if (!known.has(key)) faults.push(`${path}: "${key}" is not a setting; the settings are ${[...known].join(', ')}`);
    else if (typeof value !== 'string' && typeof value !== 'number') faults.push(`${path}: "${key}" must be a text or a number`);
    else values.set(key, String(value));
  }
  return values;
}
