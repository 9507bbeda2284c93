import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/config.ts';
import { readSecrets } from '../../src/config/secrets.ts';
import { tempDir } from '../support/temp-dir.ts';

const S3 = { PROOFS_ARCHIVE: 's3://bucket/team/a', PROOFS_S3_KEY_FILE: '/keys' };

describe('PROOFS_ARCHIVE', () => {
  it('is a folder unless it says s3:', () => {
    expect(parseConfig({ PROOFS_ARCHIVE: '/mnt/archive' }).archive).toEqual({ kind: 'directory', path: '/mnt/archive' });
    expect(parseConfig({ PROOFS_ARCHIVE: './archive' }).archive).toEqual({ kind: 'directory', path: './archive' });
    expect(parseConfig({ PROOFS_ARCHIVE: 'none' }).archive).toEqual({ kind: 'none' });
  });

  it('is a bucket and a prefix, at the endpoint of its region unless another is named', () => {
    const s3 = { kind: 's3', bucket: 'bucket', prefix: 'team/a', keyFile: '/keys' };
    const region = 'eu-central-1';
    expect(parseConfig({ ...S3, PROOFS_S3_REGION: region }).archive).toEqual({
      ...s3,
      region,
      endpoint: `https://s3.${region}.amazonaws.com`,
    });
    const endpoint = 'http://127.0.0.1:9000';
    expect(parseConfig({ ...S3, PROOFS_S3_ENDPOINT: endpoint }).archive).toEqual({ ...s3, region: 'us-east-1', endpoint });
    expect(parseConfig({ ...S3, PROOFS_ARCHIVE: 's3://bucket/' }).archive).toMatchObject({ bucket: 'bucket', prefix: '' });
  });

  it.each(['s3://', 's3://Bucket', 's3:bucket', 's3://bucket/a b', 's3://bucket//a', 's3://bucket/../a', 's3://b', 'https://bucket/a'])(
    'refuses %s',
    (location) => {
      expect(() => parseConfig({ ...S3, PROOFS_ARCHIVE: location })).toThrow(`PROOFS_ARCHIVE="${location}"`);
    },
  );

  it('names all that is wrong with an S3 archive at once, without repeating an address that may hold a secret', () => {
    const env = { PROOFS_ARCHIVE: 's3://bucket', PROOFS_S3_ENDPOINT: 'https://me:secret@host', PROOFS_S3_REGION: 'Far Away' };
    expect(() => parseConfig(env)).toThrow(/PROOFS_S3_REGION="Far Away".*\n.*PROOFS_S3_ENDPOINT is not.*\n.*PROOFS_S3_KEY_FILE/);
    expect(() => parseConfig(env)).not.toThrow(/secret@/);
  });
});

describe('the S3 keys', () => {
  it('are the first two lines of their file', () => {
    using dir = tempDir();
    const path = join(dir.path, 'keys');
    writeFileSync(path, 'AKIDEXAMPLE\nwJalrXUtnFEMI/K7MDENG\n', { mode: 0o600 });
    const config = parseConfig({ ...S3, PROOFS_S3_KEY_FILE: path });
    expect(readSecrets(config).s3).toEqual({ accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG' });
    expect(JSON.stringify(config)).not.toContain('wJalr');
  });

  it.each(['', 'only-one-line\n', '\nsecret\n'])('are refused from a file that holds %j, without a word of it', (text) => {
    using dir = tempDir();
    const path = join(dir.path, 'keys');
    writeFileSync(path, text, { mode: 0o600 });
    const read = (): unknown => readSecrets(parseConfig({ ...S3, PROOFS_S3_KEY_FILE: path }));
    expect(read).toThrow(`${path} needs two lines`);
    expect(read).not.toThrow(/only-one|secret$/);
  });

  it('are refused from a file that everybody can write', () => {
    using dir = tempDir();
    const path = join(dir.path, 'keys');
    writeFileSync(path, 'a\nb\n');
    chmodSync(path, 0o602);
    expect(() => readSecrets(parseConfig({ ...S3, PROOFS_S3_KEY_FILE: path }))).toThrow('can be written by everybody');
  });
});

describe('PROOFS_RETAIN', () => {
  it('is off, days, or gigabytes of segments', () => {
    expect(parseConfig({ PROOFS_RETAIN: 'off' }).retention).toEqual({ kind: 'off' });
    expect(parseConfig({ PROOFS_RETAIN: '30d' }).retention).toEqual({ kind: 'age', days: 30 });
    expect(parseConfig({ PROOFS_RETAIN: '100GB' }).retention).toEqual({ kind: 'bytes', bytesMax: 100e9 });
  });

  it.each(['0d', '-1d', '30', '1.5d', '30 d', '10MB', '10gb', '36501d', 'never'])('refuses %s', (text) => {
    expect(() => parseConfig({ PROOFS_RETAIN: text })).toThrow(`PROOFS_RETAIN="${text}" is neither off, nor days`);
  });
});
