/** `node bench/hash.ts`: the hashes of an entry, one call of OpenSSL each and in WebAssembly, side by side in the same run. */
import { hash } from 'node:crypto';
import { ChainLanes } from '../src/kernel/chain-lanes.ts';
import { HASH_BYTES } from '../src/kernel/hashes.ts';
import { Sha256Block } from '../src/kernel/sha256-block.ts';
import { Sha256Lanes } from '../src/kernel/sha256-lanes.ts';

const MESSAGES = 256;
/** Enough for the compilers; the fastest round counts, because it is the one that others disturbed least. */
const ROUNDS = 1000;

/** Beside the payload, a leaf has its header, and a MAC that the chain does not cover but the leaf hash does, after one byte. */
const HEADER_BYTES = 24;
const MAC_BYTES = 32;
/** What the MAC's two hashes cover beside the leaf: pad and head of the inner one; pad and digest. */
const INNER_BYTES = 128;
const OUTER_BYTES = 96;

function nsEach(work: () => void): number {
  let best = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const startMs = performance.now();
    work();
    best = Math.min(best, performance.now() - startMs);
  }
  return Math.round((best * 1e6) / MESSAGES);
}

function oneShot(...lengths: readonly number[]): () => void {
  const messages = lengths.map((length) => Buffer.alloc(length, 7));
  return () => {
    for (let i = 0; i < MESSAGES; i++) for (const message of messages) hash('sha256', message, 'latin1');
  };
}

const lanes = new Sha256Lanes(MESSAGES * 8192);
const chain = new ChainLanes(lanes, Buffer.alloc(32, 1), Buffer.alloc(16, 2));
const to = Sha256Lanes.dataAt;
const starts = Uint32Array.from({ length: MESSAGES }, (_, i) => to + MESSAGES * 32 + i * 4500);
const row = (name: string, callNs: number, ownNs: number): object => ({
  name,
  'one-shot ns': callNs,
  'WebAssembly ns': ownNs,
  ratio: Number((ownNs / callNs).toFixed(2)),
});

const blocks = new Sha256Block(OUTER_BYTES + HASH_BYTES);
blocks.writeInitialState(OUTER_BYTES);

const rows: object[] = [
  row(
    'outer hash of one MAC, begun before',
    nsEach(oneShot(OUTER_BYTES)),
    nsEach(() => {
      for (let i = 0; i < MESSAGES; i++) blocks.compress(0, OUTER_BYTES, OUTER_BYTES);
    }),
  ),
  row(
    'tree node',
    nsEach(oneShot(65)),
    nsEach(() => lanes.nodes(to, MESSAGES)),
  ),
];
for (const payloadBytes of [50, 100, 200, 300, 400, 600, 1000, 4000]) {
  const covered = HEADER_BYTES + payloadBytes;
  const leaf = 1 + covered + MAC_BYTES;
  const leaves = { count: MESSAGES, starts, lengths: new Uint32Array(MESSAGES).fill(leaf) };
  rows.push(
    row(
      `leaf hash, payload ${payloadBytes}`,
      nsEach(oneShot(leaf)),
      nsEach(() => lanes.digest(leaves, to)),
    ),
  );
  const bodies = { count: MESSAGES, starts, lengths: new Uint32Array(MESSAGES).fill(covered) };
  const callNs = nsEach(oneShot(INNER_BYTES + covered, OUTER_BYTES));
  rows.push(
    row(
      `chain MAC, payload ${payloadBytes}`,
      callNs,
      nsEach(() => chain.macs(starts, bodies, to)),
    ),
  );
}
console.table(rows);
