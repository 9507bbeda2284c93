import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { limitsValidate } from '../../src/cli/limits-validate.ts';
import { captureIo } from '../support/cli-io.ts';
import { tempDir } from '../support/temp-dir.ts';

async function validate(text: string | undefined, ...options: string[]) {
  using dir = tempDir();
  const path = join(dir.path, 'limits.yaml');
  if (text !== undefined) writeFileSync(path, text);
  const io = captureIo();
  const code = await limitsValidate.run([path, ...options], io);
  return { code, out: io.out(), err: io.err() };
}

const GOOD =
  'limits:\n  - {name: ip, key: ip, limit: 50, window: 1m}\n  - {name: t, key: tenant, limit: 9, window: 500ms, dryRun: true, overrides: {a: 1, "b*": 2}}';
const BAD = 'limits: [{name: ip, key: ip, limit: -1, window: 1m}, {name: ip, key: x, limit: 1, window: 1m}]';

test('says in words what a good file limits', async () => {
  expect(await validate(GOOD)).toEqual({
    code: 0,
    out: 'ip: 50 in 60 s for each address\nt: 9 in 0.5 s for each tenant, 2 overrides, dry run\n',
    err: '',
  });
});

test('lists every fault of a bad one', async () => {
  const { code, err } = await validate(BAD);
  expect(code).toBe(2);
  expect(err.split('\n')).toEqual([
    'limits[0].limit: must be >= 0',
    'limits[1].key: must be equal to one of the allowed values (ip, tenant)',
    '',
  ]);
  const json = await validate(BAD, '--json');
  expect(JSON.parse(json.out)).toMatchObject({ valid: false, faults: [expect.any(String), expect.any(String)] });
});

test('a file that is not there is a fault too', async () => {
  expect(await validate(undefined)).toMatchObject({ code: 2, err: expect.stringContaining('cannot be read') });
});
