import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { anchorInWords } from '../../src/config/anchor-config.ts';
import { ConfigError, isLoopback, parseConfig } from '../../src/config/config.ts';
import { readSecrets } from '../../src/config/secrets.ts';
import { SETTINGS, settingsMarkdown, type Setting } from '../../src/config/settings.ts';
import { tempDir } from '../support/temp-dir.ts';

const TOKEN = 'k7Jq2-long.enough_token~0';

/** Lines of the error; fails when there is none. */
function faultsOf(run: () => unknown): string[] {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    expect(error).toMatchObject({ code: 'bad-config' });
    return (error as ConfigError).message.split('\n');
  }
  throw new Error('there was no fault');
}

describe('parseConfig', () => {
  it('listens on loopback without any setting', () => {
    expect(parseConfig({})).toEqual({
      host: '127.0.0.1',
      port: 8080,
      dataDir: './data',
      keysDir: 'data/keys',
      origin: undefined,
      tokensFile: undefined,
      anchor: { kind: 'off', isChosen: false, reason: 'no home directory for it: set PROOFS_ANCHOR_DIR' },
      witnessLogsFile: undefined,
      witnessesFile: undefined,
      witnessSeconds: 10,
      archive: { kind: 'none' },
      retention: { kind: 'off' },
      limits: { kind: 'off' },
      redisPasswordFile: undefined,
      isWatched: true,
      isImmutable: false,
      versions: { bytesMax: 4 * 1024 ** 3, artifactsMax: 10_000, versionsMax: 100_000, keep: undefined },
      logLevel: 'info',
    });
  });

  it('takes empty variables for unset ones', () => {
    const empty = Object.fromEntries(Object.values<Setting>(SETTINGS).map(({ env }) => [env, '']));
    expect(parseConfig(empty)).toEqual(parseConfig({}));
  });

  it('reads every setting that a YAML file may state, and the environment wins', () => {
    using dir = tempDir();
    const path = join(dir.path, 'proofs.yaml');
    const inFile = {
      host: '::1',
      port: 9000,
      dataDir: '/d',
      keysDir: '/k',
      origin: 'example.org/log',
      tokensFile: '/t',
      anchor: 'redis',
      anchorDir: '/a',
      redisUrl: 'rediss://:secret@cache.example:6380/1',
      redisPasswordFile: '/p',
      witnessLogsFile: '/l',
      witnessesFile: '/w',
      witnessSeconds: 60,
      archive: 's3://bucket/prefix',
      s3Endpoint: 'http://127.0.0.1:9000',
      s3Region: 'eu-central-1',
      s3KeyFile: '/s',
      retain: '30d',
      watch: 'off',
      watchImmutable: 'auto',
      limitsFile: '/f',
      limitsStore: 'redis',
      limitsPrefix: 'p:',
      limitsKeys: 500,
      limitsTimeoutMs: 70,
      limitsTrace: '/d',
      versionsBytes: 1,
      versionsArtifacts: 2,
      versionsCount: 3,
      versionsKeep: 4,
      logLevel: 'debug',
    };
    writeFileSync(path, stringify(inFile));
    const { host, port, dataDir, keysDir, origin, tokensFile, witnessLogsFile, witnessesFile, witnessSeconds, logLevel } = inFile;
    const { anchorDir, redisUrl, redisPasswordFile, s3Endpoint, s3Region, s3KeyFile } = inFile;
    const fromFile = {
      host,
      port,
      dataDir,
      keysDir,
      origin,
      tokensFile,
      witnessLogsFile,
      witnessesFile,
      witnessSeconds,
      logLevel,
      anchor: { kind: 'redis', url: redisUrl },
      redisPasswordFile,
      limits: { kind: 'redis', file: '/f', keysMax: 500, prefix: 'p:', timeoutMs: 70, trace: '/d', urls: [redisUrl] },
      archive: { kind: 's3', endpoint: s3Endpoint, region: s3Region, bucket: 'bucket', prefix: 'prefix', keyFile: s3KeyFile },
      retention: { kind: 'age', days: 30 },
      isWatched: false,
      isImmutable: true,
      versions: { bytesMax: 1, artifactsMax: 2, versionsMax: 3, keep: 4 },
    };
    expect(parseConfig({ PROOFS_CONFIG: path })).toEqual(fromFile);
    expect(parseConfig({ PROOFS_CONFIG: path, PROOFS_ANCHOR: 'file' }).anchor).toEqual({ kind: 'file', dir: anchorDir });
    expect(Object.keys(inFile).toSorted()).toEqual(
      Object.values<Setting>(SETTINGS)
        .flatMap(({ key }) => key ?? [])
        .toSorted(),
    );
    expect(parseConfig({ PROOFS_CONFIG: path, PROOFS_PORT: '1', PROOFS_DATA_DIR: '/e' })).toEqual({ ...fromFile, port: 1, dataDir: '/e' });
  });

  it('names all faults of the environment and the file at once', () => {
    using dir = tempDir();
    const path = join(dir.path, 'proofs.yaml');
    writeFileSync(path, 'prot: 1\ntokens_file: x\nkeysDir: [a]\nlogLevel: true\n');
    const faults = faultsOf(() =>
      parseConfig({ PROOFS_CONFIG: path, PROOFS_HOST: '0.0.0.0', PROOFS_PORT: '99999', PROOFS_LOG_LEVEL: 'loud', PROOFS_ORIGIN: 'a b' }),
    );
    for (const word of [
      '"prot"',
      '"tokens_file"',
      '"keysDir"',
      '"logLevel"',
      'PROOFS_HOST',
      'PROOFS_PORT',
      'PROOFS_LOG_LEVEL',
      'PROOFS_ORIGIN',
    ]) {
      expect(faults.filter((fault) => fault.includes(word)).length, word).toBeGreaterThan(0);
    }
    expect(faults).toHaveLength(8);
  });

  it.each(['-1', '65536', '80.5', '0x50', '8o8o', ' 80', 'tcp://10.0.0.1:80'])('refuses port %s', (port) => {
    expect(faultsOf(() => parseConfig({ PROOFS_PORT: port }))).toEqual([`PROOFS_PORT="${port}" is not a port number from 0 to 65535`]);
  });

  it.each([
    ['a list', '- host\n'],
    ['a word', 'host\n'],
    ['no YAML', 'host: [\n'],
    ['a key twice', 'host: localhost\nhost: ::1\n'],
  ])('refuses a file that holds %s', (_case, text) => {
    using dir = tempDir();
    const path = join(dir.path, 'proofs.yaml');
    writeFileSync(path, text);
    expect(faultsOf(() => parseConfig({ PROOFS_CONFIG: path }))[0]).toContain(path);
  });

  it('takes an empty file, and refuses one that is not there', () => {
    using dir = tempDir();
    writeFileSync(join(dir.path, 'empty.yaml'), '# nothing\n');
    expect(parseConfig({ PROOFS_CONFIG: join(dir.path, 'empty.yaml') })).toEqual(parseConfig({}));
    expect(faultsOf(() => parseConfig({ PROOFS_CONFIG: join(dir.path, 'none.yaml') }))[0]).toContain('none.yaml');
  });

  it.each(['0.0.0.0', '::', '192.168.1.1', 'example.org', '127.0.0.1.example.org', '::ffff:10.0.0.1', '127.1', '0'])(
    'needs a token for %s and says how to make one',
    (host) => {
      expect(isLoopback(host)).toBe(false);
      const [fault] = faultsOf(() => parseConfig({ PROOFS_HOST: host }));
      expect(fault).toContain(host);
      expect(fault).toContain('PROOFS_TOKENS_FILE');
      expect(fault).toContain('openssl rand -hex 32');
      expect(parseConfig({ PROOFS_HOST: host, PROOFS_TOKENS_FILE: '/t' }).host).toBe(host);
    },
  );

  it.each(['127.0.0.1', '127.8.9.10', '::1', 'localhost'])('needs none for %s', (host) => {
    expect(parseConfig({ PROOFS_HOST: host }).tokensFile).toBeUndefined();
  });
});

describe('the checkpoint lock', () => {
  it('is kept in the state folder of the user unless told otherwise', () => {
    const below = 'post-incident-proofs/anchors';
    expect(parseConfig({ HOME: '/home/a' }).anchor).toEqual({ kind: 'file', dir: `/home/a/.local/state/${below}` });
    expect(parseConfig({ HOME: '/home/a', XDG_STATE_HOME: '/s' }).anchor).toEqual({ kind: 'file', dir: `/s/${below}` });
    expect(parseConfig({ HOME: '/home/a', PROOFS_ANCHOR_DIR: '/mnt/usb' }).anchor).toEqual({ kind: 'file', dir: '/mnt/usb' });
  });

  it('is off when asked to be, and says why', () => {
    const off = { kind: 'off', isChosen: true, reason: 'switched off' };
    expect(parseConfig({ HOME: '/home/a', PROOFS_ANCHOR: 'off' }).anchor).toEqual(off);
    expect(parseConfig({ HOME: '/home/a', PROOFS_ANCHOR_DIR: 'off' }).anchor).toEqual(off);
  });

  it.each([undefined, 'http://cache:6379', 'cache:6379', 'redis'])('in Redis is refused with the address %s', (url) => {
    const [fault] = faultsOf(() => parseConfig({ PROOFS_ANCHOR: 'redis', ...(url === undefined ? {} : { PROOFS_REDIS_URL: url }) }));
    expect(fault).toContain('PROOFS_REDIS_URL');
  });

  it('is named in words that hold no password', () => {
    expect(anchorInWords({ kind: 'file', dir: '/mnt/usb' })).toBe('/mnt/usb');
    expect(anchorInWords({ kind: 'off', isChosen: true, reason: 'switched off' })).toBe('off: switched off');
    expect(anchorInWords({ kind: 'redis', url: 'redis://user:secret@cache:6380/1' })).toBe('redis at cache:6380');
  });

  it('refuses other places, without repeating an address that may hold a password', () => {
    expect(faultsOf(() => parseConfig({ PROOFS_ANCHOR: 'etcd' }))).toEqual(['PROOFS_ANCHOR="etcd" is not one of file, redis, off']);
    const [fault] = faultsOf(() => parseConfig({ PROOFS_ANCHOR: 'redis', PROOFS_REDIS_URL: 'amqp://:secret@host' }));
    expect(fault).not.toContain('secret');
  });
});

it.each(['0', '3601', '1.5', 'often'])('refuses %s seconds between two checkpoints for the witnesses', (text) => {
  expect(faultsOf(() => parseConfig({ PROOFS_WITNESS_SECONDS: text }))[0]).toContain(`PROOFS_WITNESS_SECONDS="${text}"`);
});

describe('readSecrets', () => {
  it('reads the password of the Redis server from the first line of its file, and refuses an empty one', () => {
    using dir = tempDir();
    const path = join(dir.path, 'password');
    const config = parseConfig({ PROOFS_ANCHOR: 'redis', PROOFS_REDIS_URL: 'redis://h', PROOFS_REDIS_PASSWORD_FILE: path });
    writeFileSync(path, 'pass word \r\nmore\n', { mode: 0o600 });
    expect(readSecrets(config).redisPassword).toBe('pass word ');
    writeFileSync(path, '\nsecond\n');
    expect(faultsOf(() => readSecrets(config))).toEqual([`the first line of ${path} is empty`]);
  });

  it('keeps a digest of the first line and nothing else', () => {
    using dir = tempDir();
    const path = join(dir.path, 'token');
    writeFileSync(path, `${TOKEN}\r\nsecond line\n`, { mode: 0o600 });
    const secrets = readSecrets(parseConfig({ PROOFS_TOKENS_FILE: path }));
    expect(secrets.tokenDigest).toHaveLength(32);
    expect(JSON.stringify(secrets)).not.toContain(TOKEN);
    expect(readSecrets(parseConfig({}))).toEqual({ tokenDigest: undefined });
  });

  it.each([
    ['empty', ''],
    ['of 15 characters', 'abcdefghijklmno\n'],
    ['with a space', 'abcdefgh ijklmnopqrs\n'],
    ['beyond ASCII', 'schlüsselschlüssel\n'],
    ['only in the second line', `\n${TOKEN}\n`],
  ])('refuses a token that is %s, without repeating it', (_case, text) => {
    using dir = tempDir();
    const path = join(dir.path, 'token');
    writeFileSync(path, text);
    const [fault] = faultsOf(() => readSecrets(parseConfig({ PROOFS_TOKENS_FILE: path })));
    expect(fault).toContain(path);
    expect(fault).toContain('at least 16');
    for (const line of text.split('\n').filter((line) => line !== '')) expect(fault).not.toContain(line);
  });

  it('refuses a file that everybody can write', () => {
    using dir = tempDir();
    const path = join(dir.path, 'token');
    writeFileSync(path, TOKEN);
    chmodSync(path, 0o666);
    expect(faultsOf(() => readSecrets(parseConfig({ PROOFS_TOKENS_FILE: path })))[0]).toContain(`chmod 600 ${path}`);
  });

  it('refuses a file that cannot be read', () => {
    using dir = tempDir();
    mkdirSync(join(dir.path, 'folder'));
    for (const name of ['none', 'folder']) {
      const path = join(dir.path, name);
      expect(faultsOf(() => readSecrets(parseConfig({ PROOFS_TOKENS_FILE: path })))).toEqual([
        `PROOFS_TOKENS_FILE="${path}" cannot be read`,
      ]);
    }
  });
});

describe('docs/config.md', () => {
  it('has one row for each setting', () => {
    const rows = settingsMarkdown()
      .split('\n')
      .filter((line) => line.startsWith('| `'));
    expect(rows).toHaveLength(Object.keys(SETTINGS).length);
    for (const setting of Object.values<Setting>(SETTINGS)) {
      expect(rows.filter((row) => row.includes(`\`${setting.env}\``) && row.includes(setting.meaning))).toHaveLength(1);
    }
  });
});
