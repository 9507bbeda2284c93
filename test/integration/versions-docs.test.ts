import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { COMPILE_CACHE } from '../support/compile-cache.ts';
import { startApp } from '../support/running-app.ts';
import { tempDir } from '../support/temp-dir.ts';

const DEFAULT_URL = 'http://127.0.0.1:8080';

it('docs/versions.md does what it says, block by block', { timeout: 120_000 }, async () => {
  await using app = await startApp();
  using dir = tempDir();
  const blocks = [...readFileSync('docs/versions.md', 'utf8').matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block]) => block);
  const script = [
    'set -euo pipefail',
    // A sidecar on a free port, and the command line as it stands here.
    `pproofs() { if [ "$1" = versions ]; then "${process.execPath}" "${process.cwd()}/src/main.ts" "$@" --url ${app.url}; else "${process.execPath}" "${process.cwd()}/src/main.ts" "$@"; fi; }`,
    ...blocks.map((block) => block.replaceAll(DEFAULT_URL, app.url)),
  ].join('\n');
  const env = { ...process.env, ...COMPILE_CACHE, PROOFS_DATA_DIR: app.dataDir, PROOFS_ANCHOR: 'off' };
  const shell = spawn('bash', ['-c', script], { cwd: dir.path, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let [out, err] = ['', ''];
  shell.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  shell.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  const code = await new Promise((resolve) => shell.once('close', resolve));
  expect({ code, out, err }).toEqual({ code: 0, out, err: expect.any(String) });
  for (const said of [
    'an hour ago there was none\n',
    '- /pool: 10\n+ /pool: 50\n',
    '{"pool": 60, "mode": "fast"}\n',
    'app.json would go from version 3 to the content of version 1',
    'app.json 4  ',
    'held\n',
    'live.json is now app.json 6 ',
    '{"pool": 70}\n',
    'app.json: 6 of 6 versions checked, intact\n',
  ])
    expect(out).toContain(said);
  expect(blocks.length).toBeGreaterThan(5);
});
