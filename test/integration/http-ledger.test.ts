import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { concat, toHex } from '../../src/kernel/bytes.ts';
import { verifyEd25519 } from '../../src/kernel/ed25519.ts';
import { HASH_BYTES, leafHash } from '../../src/kernel/hashes.ts';
import { TILE_WIDTH } from '../../src/kernel/leaf.ts';
import { subtreeRoot, verifyConsistency, verifyInclusion } from '../../src/kernel/merkle.ts';
import { nodeHashes } from '../../src/kernel/node-hashes.ts';
import { isSignedBy, parseCheckpoint, parseVerifierKey, type SignedCheckpoint } from '../../src/kernel/note.ts';
import { formatTileIndex } from '../../src/kernel/tile-path.ts';
import { parseTlogProof } from '../../src/kernel/tlog-proof.ts';
import { startApp, type RunningApp } from '../support/running-app.ts';
import { storedLeaves } from '../support/stored-leaves.ts';

/** Past 65,536: two segments, and a level 2 of tiles. With the genesis leaf and no multiple of 256. */
const EVENTS = 66_000;
const BATCH = 6_000;

let app: RunningApp;
let checkpoint: SignedCheckpoint;
/** Hashes of the leaves on the disk, as far as the checkpoint goes. */
let leafHashes: Uint8Array[];
beforeAll(async () => {
  app = await startApp();
  for (let at = 0; at < EVENTS; at += BATCH) {
    const lines = Array.from({ length: BATCH }, (_, i) => `{"message":"event ${at + i}"}\n`);
    expect((await app.post(lines.join(''), { type: 'application/x-ndjson' })).status).toBe(201);
  }
  checkpoint = parseCheckpoint(await (await fetch(`${app.url}/checkpoint`)).text());
  leafHashes = (await storedLeaves(app.dataDir)).slice(0, checkpoint.size).map((leaf) => leafHash(nodeHashes, leaf.bytes));
});
afterAll(() => app[Symbol.asyncDispose]());

async function getBytes(path: string): Promise<Uint8Array> {
  const response = await fetch(app.url + path);
  expect({ path, status: response.status }).toEqual({ path, status: 200 });
  return new Uint8Array(await response.arrayBuffer());
}

/** The tile or entry bundle as a C2SP client asks for it: the last of a level is partial. */
function tilePath(level: number | 'entries', index: number): string {
  const nodes = Math.floor(checkpoint.size / TILE_WIDTH ** (level === 'entries' ? 0 : level));
  const width = Math.min(TILE_WIDTH, nodes - index * TILE_WIDTH);
  return `/tile/${level}/${formatTileIndex(index)}${width === TILE_WIDTH ? '' : `.p/${width}`}`;
}

async function getTile(level: number, index: number): Promise<Uint8Array[]> {
  const bytes = await getBytes(tilePath(level, index));
  expect(bytes.length % HASH_BYTES).toBe(0);
  return Array.from({ length: bytes.length / HASH_BYTES }, (_, i) => bytes.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES));
}

const rootOf = (hashes: readonly Uint8Array[]): Uint8Array => subtreeRoot(nodeHashes, (i) => hashes[i], 0, hashes.length);

describe('GET /checkpoint', () => {
  it('is signed by the key of /ledger/status and states its size and root', async () => {
    const { json } = await app.getJson('/ledger/status');
    expect(isSignedBy(checkpoint, parseVerifierKey(nodeHashes, String(json.verifierKey)), verifyEd25519)).toBe(true);
    expect(json.origin).toBe(checkpoint.origin);
    expect(toHex(await app.context.ledger.rootAt(checkpoint.size))).toBe(toHex(checkpoint.root));
    expect(toHex(await app.context.ledger.rootAt(Number(json.size)))).toBe(json.root);
    expect(json).toMatchObject({ recoveries: 0, isDiskFull: false, isCheckpointStale: false, queuedRequests: 0, queuedBytes: 0 });
    expect(json.ledgerId).toMatch(/^[0-9a-f]{32}$/);
  });

  it('is the file on the disk, and no cache may keep it', async () => {
    const response = await fetch(`${app.url}/checkpoint`);
    expect(await response.text()).toBe(app.context.ledger.head().checkpoint);
    expect(readFileSync(join(app.dataDir, 'ledger', 'checkpoint'), 'utf8')).toBe(app.context.ledger.head().checkpoint);
    expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(response.headers.get('cache-control')).toBe('no-cache');
  });
});

describe('GET /ledger/proof', () => {
  it('proves entries at every kind of place against a signed checkpoint', async () => {
    for (const seq of [0, 1, 255, 256, 65_535, 65_536, checkpoint.size - 1]) {
      const proof = parseTlogProof(await (await fetch(`${app.url}/ledger/proof?seq=${seq}`)).text());
      const head = parseCheckpoint(proof.checkpoint);
      expect(proof.index).toBe(seq);
      expect(isSignedBy(head, parseVerifierKey(nodeHashes, app.context.ledger.identity.verifierKey), verifyEd25519)).toBe(true);
      expect(verifyInclusion(nodeHashes, seq, head.size, leafHashes[seq], proof.hashes, head.root)).toBe(true);
      expect(verifyInclusion(nodeHashes, seq, head.size, leafHashes[seq === 0 ? 1 : seq - 1], proof.hashes, head.root)).toBe(false);
    }
  });

  it('is 404 for an entry that is not there and 400 for what is no counter', async () => {
    const size = app.context.ledger.head().size;
    expect((await app.getJson(`/ledger/proof?seq=${size}`)).json).toMatchObject({
      status: 404,
      detail: `there is no entry ${size}: the ledger has ${size}`,
    });
    for (const query of ['', '?seq=', '?seq=-1', '?seq=1.5', '?seq=abc', '?seq=1&seq=2', '?seq=1&size=2', '?seq=9007199254740993']) {
      const { status, json } = await app.getJson(`/ledger/proof${query}`);
      expect({ query, status }).toEqual({ query, status: 400 });
      expect(json.faultsTotal).toBeGreaterThan(0);
    }
    expect((await app.getJson(`/ledger/proof?seq=${Number.MAX_SAFE_INTEGER}`)).status).toBe(404);
  });
});

describe('tiles', () => {
  it('of every level lead from the entries to the signed root', async () => {
    let level = 0;
    let hashes: readonly Uint8Array[] = leafHashes;
    /** Roots of the subtrees right of the last full tile of each level, lowest first. */
    const edges: Uint8Array[][] = [];
    for (; hashes.length > 0; level++) {
      const served: Uint8Array[] = [];
      const above: Uint8Array[] = [];
      for (let index = 0; index * TILE_WIDTH < hashes.length; index++) {
        const tile = await getTile(level, index);
        served.push(...tile);
        if (tile.length === TILE_WIDTH) above.push(rootOf(tile));
        else edges.push(tile);
      }
      expect(Buffer.concat(served).equals(Buffer.concat(hashes))).toBe(true);
      hashes = above;
    }
    expect(level).toBe(3);
    expect((await fetch(`${app.url}/tile/3/000.p/1`)).status).toBe(404);
    // 66,001 = 65,536 + 256 + 209 (and one for each minute that ended meanwhile): one node of level 2, one of level 1 and 209 leaves, joined from the right.
    const [leaves, blocks, top] = edges;
    const join = (left: Uint8Array, right: Uint8Array): Uint8Array => nodeHashes.sha256(Uint8Array.of(1), left, right);
    expect(toHex(join(rootOf(top), join(rootOf(blocks), rootOf(leaves))))).toBe(toHex(checkpoint.root));
  });

  it('of entries are the segment files, one after the other', async () => {
    const bundles: Uint8Array[] = [];
    for (let index = 0; index * TILE_WIDTH < checkpoint.size; index++) bundles.push(await getBytes(tilePath('entries', index)));
    const bytes = Buffer.concat(bundles);
    const segments = join(app.dataDir, 'ledger', 'segments');
    const names = readdirSync(segments).toSorted();
    expect(names).toHaveLength(2);
    // A minute summary may have come behind the checkpoint.
    expect(bytes.equals(concat(...names.map((name) => readFileSync(join(segments, name)))).subarray(0, bytes.length))).toBe(true);
  });

  it('may be asked for with every width that the tree has, and are then a prefix', async () => {
    for (const level of ['0', 'entries', '1', '2']) {
      const index = level === '2' ? '000' : '000';
      const widths = level === '2' ? [1] : [1, 2, 255];
      const full = level === '2' ? await getBytes('/tile/2/000.p/1') : await getBytes(`/tile/${level}/${index}`);
      for (const width of widths) {
        const part = await getBytes(`/tile/${level}/${index}.p/${width}`);
        expect(Buffer.from(full.subarray(0, part.length)).equals(part)).toBe(true);
        if (level !== 'entries') expect(part.length).toBe(width * HASH_BYTES);
      }
    }
  });

  it('may be cached for ever when full, and not when partial', async () => {
    const full = await fetch(`${app.url}/tile/0/000`);
    expect([full.headers.get('cache-control'), full.headers.get('content-type')]).toEqual([
      'public, max-age=31536000, immutable',
      'application/octet-stream',
    ]);
    expect((await fetch(`${app.url}/tile/0/000.p/255`)).headers.get('cache-control')).toBe('no-cache');
  });

  it.each([
    ['beyond the tree', '/tile/0/258'],
    ['wider than the tree', '/tile/0/257.p/250'],
    ['not full yet', '/tile/0/257'],
    ['a level that is not there', '/tile/3/000.p/1'],
    ['a level beyond 63', '/tile/64/000'],
    ['a level with a zero in front', '/tile/00/000'],
    ['an index of two digits', '/tile/0/00'],
    ['an index with a group too many', '/tile/0/x000/000'],
    ['an index without its x', '/tile/0/000/000'],
    ['a huge index', '/tile/0/x999/x999/x999/x999/x999/999'],
    ['width 0', '/tile/0/000.p/0'],
    ['width 256 as partial', '/tile/0/000.p/256'],
    ['a width with a zero in front', '/tile/0/000.p/01'],
    ['an escaped path', '/tile/0/%2e%2e/000'],
    ['a climb', '/tile/entries/../../keys/epoch.key'],
    ['an escaped climb', '/tile/entries/..%2f..%2f..%2fkeys%2fepoch.key'],
    ['a zero byte', '/tile/0/000%00'],
    ['another kind', '/tile/data/000'],
    ['nothing', '/tile/'],
  ])('are 404 when the path is %s', async (_case, path) => {
    const response = await fetch(app.url + path);
    expect({ status: response.status, type: response.headers.get('content-type') }).toEqual({
      status: 404,
      type: 'application/problem+json; charset=utf-8',
    });
  });
});

describe('a growing ledger', () => {
  it('never changes what it has signed', async () => {
    const { ledger } = app.context;
    await app.post('{"message":"one more"}');
    const later = parseCheckpoint(await (await fetch(`${app.url}/checkpoint`)).text());
    expect(later.size).toBeGreaterThan(checkpoint.size);
    const path = await ledger.consistencyProof(checkpoint.size, later.size);
    expect(verifyConsistency(nodeHashes, checkpoint.size, later.size, checkpoint.root, later.root, path)).toBe(true);
  });
});
