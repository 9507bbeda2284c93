import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Bundle } from '../../src/bundle/assemble.ts';
import { ARCHIVE_PATHS, PATHS } from '../../src/bundle/format.ts';
import { writeZip } from '../../src/bundle/write-zip.ts';
import { toHex } from '../../src/kernel/bytes.ts';
import { nodeHashes } from '../../src/kernel/node-hashes.ts';
import { makeFixture, textOf, unpack, type Fixture } from '../support/bundle-fixture.ts';
import { runTool } from '../support/tools.ts';

let fixture: Fixture;
let bundle: Bundle;
let dir: string;

beforeAll(async () => {
  fixture = await makeFixture(60);
  bundle = await fixture.bundle(350, 5050);
});

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'proofs-bundle-'));
  writeFileSync(join(dir, 'bundle.zip'), bundle.bytes);
});

afterEach(() => rmSync(dir, { recursive: true, force: true }));

const unzip = (...args: string[]) => runTool('unzip', args, { cwd: dir });
const evidence = (): string => join(dir, 'evidence');

function unpackHere(): void {
  expect(unzip('-q', 'bundle.zip', '-d', 'evidence').status).toBe(0);
}

/** The code blocks of VERIFY.md as a person would paste them: into one shell, one after the other. */
function followGuide(): { status: number; output: string } {
  const guide = readFileSync(join(evidence(), PATHS.guide), 'utf8');
  const blocks = [...guide.matchAll(/```bash\n(.*?)```/gs)].map(([, block]) => block);
  expect(blocks).toHaveLength(4);
  return runTool('bash', ['--norc', '-c', blocks.join('\n')], {
    cwd: evidence(),
    env: { PATH: process.env.PATH ?? '', LC_ALL: 'C.UTF-8', TMPDIR: dir },
  });
}

describe('tools that are not ours', () => {
  it('agree that the archive is sound: unzip', () => {
    const { status, output } = unzip('-t', 'bundle.zip');
    expect({ status, output }).toMatchObject({ status: 0, output: expect.stringContaining('No errors detected') as string });
  });

  it('agree that the archive is sound and say the same about its files: Python zipfile', () => {
    const script = [
      'import hashlib, json, zipfile',
      'z = zipfile.ZipFile("bundle.zip")',
      'assert z.testzip() is None',
      'print(json.dumps([[i.filename, i.date_time, oct(i.external_attr >> 16), hashlib.sha256(z.read(i)).hexdigest()] for i in z.infolist()]))',
    ].join('\n');
    const { status, output } = runTool('python3', ['-c', script], { cwd: dir });
    expect(status).toBe(0);
    const files = unpack(bundle.bytes);
    const expected = ARCHIVE_PATHS.map((path) => [
      path,
      [1980, 1, 1, 0, 0, 0],
      '0o100644',
      toHex(nodeHashes.sha256(files.get(path) ?? new Uint8Array(0))),
    ]);
    expect(JSON.parse(output)).toEqual(expected);
  });

  it('find nothing wrong when they follow VERIFY.md', () => {
    unpackHere();
    const { status, output } = followGuide();
    expect(output).toContain(`${PATHS.events}: OK`);
    expect(output.match(/Signature Verified Successfully/g)).toHaveLength(2);
    expect(output.match(/: OK$/gm)).toHaveLength(9);
    expect(output.trimEnd().split('\n').at(-1)).toBe(fixture.ledger.identity.verifierKey);
    expect(status).toBe(0);
  });

  it.each(ARCHIVE_PATHS.filter((path) => path !== PATHS.guide))('find a changed byte of %s when they follow VERIFY.md', (path) => {
    unpackHere();
    const file = join(evidence(), path);
    const content = readFileSync(file);
    const at = path === PATHS.publicKey ? 60 : path === PATHS.envelope ? 40 : Math.floor(content.length / 2);
    content[at] = content[at] === 0x41 ? 0x42 : 0x41;
    writeFileSync(file, content);
    expect(followGuide().status).not.toBe(0);
  });

  it('find files exchanged for those of another ledger', async () => {
    const other = unpack((await (await makeFixture(5)).bundle(0, 300)).bytes);
    unpackHere();
    for (const path of [PATHS.events, PATHS.manifest]) writeFileSync(join(evidence(), path), other.get(path) ?? '');
    expect(followGuide().status).not.toBe(0);
  });

  it('rebuild every leaf and its hash from the lines alone: Python', () => {
    unpackHere();
    const script = [
      'import base64, hashlib, json, struct, sys',
      'names = "genesis event epoch-seal heartbeat recovery key-rotate clock-step config version-change bundle tamper limiter-aggregate minute-summary rejected-input access witness".split()',
      'n = 0',
      'for line in open(sys.argv[1], "rb").read().split(b"\\n")[:-1]:',
      '    v = json.loads(line)',
      '    kind = names.index(v["type"]) + 1 if v["type"] in names else int(v["type"])',
      '    payload = base64.b64decode(v["payloadBase64"]) if "payloadBase64" in v else line[line.index(b\'"payload":\') + 10:-1]',
      '    leaf = struct.pack(">BBHQIQ", 1, kind, v["flags"], v["seq"], v["epoch"], int(v["timeNs"])) + base64.b64decode(v.get("request", "")) + payload + base64.b64decode(v["mac"])',
      '    assert hashlib.sha256(b"\\x00" + leaf).hexdigest() == v["leafHash"], v["seq"]',
      '    n += 1',
      'print(n)',
    ].join('\n');
    expect(runTool('python3', ['-c', script, PATHS.events], { cwd: evidence() })).toEqual({ status: 0, output: '47\n' });
  });
});

describe('deterministic bytes', () => {
  it.each(['UTC', 'Asia/Kolkata', 'America/Los_Angeles', 'Pacific/Kiritimati', 'Africa/Casablanca'])(
    'do not depend on the time zone: %s',
    async (zone) => {
      const script = `
      import { makeFixture } from ${JSON.stringify(join(import.meta.dirname, '../support/bundle-fixture.ts'))};
      const fixture = await makeFixture(60);
      console.log((await fixture.bundle(350, 5050)).sha256);`;
      const { status, output } = runTool(process.execPath, ['--input-type=module', '-e', script], {
        env: { TZ: zone, PATH: process.env.PATH ?? '' },
      });
      expect({ status, output: output.trim() }).toEqual({ status: 0, output: bundle.sha256 });
    },
  );

  it('do not depend on the order in which files are given', async () => {
    const files = unpack(bundle.bytes);
    const reversed = new Map([...files].toReversed());
    expect(Buffer.compare(await writeZip(reversed), bundle.bytes)).toBe(0);
    expect(textOf(files, PATHS.manifest)).toContain('"createdAt":"2026-01-02T03:04:10.050000000Z"');
  });
});
