import { formatLeafLine, formatTimeNs, joinLeaf } from '../../src/bundle/format.ts';
import type { TimelineInput } from '../../src/bundle/timeline-input.ts';
import { toHex, utf8 } from '../../src/kernel/bytes.ts';
import { canonicalJson, type Json } from '../../src/kernel/canonical-json.ts';
import { chainMac, GENESIS_PREVIOUS_MAC } from '../../src/kernel/chain.ts';
import { generateEd25519, rawPublicKey, signEd25519 } from '../../src/kernel/ed25519.ts';
import { leafHash } from '../../src/kernel/hashes.ts';
import {
  FLAG_LAST_OF_REQUEST,
  FLAG_REQUEST_TAG,
  LEAF_MAC_BYTES,
  LEAF_TYPES,
  parseLeaf,
  type Leaf,
  type LeafTypeName,
} from '../../src/kernel/leaf.ts';
import { rangeProof, subtreeRoot } from '../../src/kernel/merkle.ts';
import { nodeHashes } from '../../src/kernel/node-hashes.ts';
import { formatCheckpointText, formatNote, formatVerifierKey, noteKeyId } from '../../src/kernel/note.ts';

export interface SampleLeaf {
  /** A name, or a number for a type of a later version; event when absent. */
  readonly type?: LeafTypeName | number;
  /** Canonical JSON text, or a value to write as such. */
  readonly payload: Json | string;
  readonly timeMs: number;
  readonly hasRequestTag?: boolean;
}

export interface SampleWindow {
  readonly fromMs: number;
  readonly toMs: number;
}

const ORIGIN = 'post-incident-proofs/0123456789abcdef';
const KEY = new Uint8Array(32).fill(0x11);
const LEDGER_ID = new Uint8Array(16).fill(0xab);
/**
 * A real little ledger: chained leaves, tree, signed checkpoint and range proof, cut to the window like a bundle. What the page
 * is tested with is built from the kernel alone.
 */
export function sampleTimelineInput(all: readonly SampleLeaf[], window: SampleWindow): TimelineInput {
  const after = all.findIndex((leaf) => leaf.timeMs >= window.toMs);
  if (after < 0) throw new Error('a bundle is made once a leaf stands after its window');
  const before = all.findLastIndex((leaf) => leaf.timeMs < window.fromMs);
  const leaves = buildLeaves(all.slice(0, after + 1));
  const hashes = leaves.map((leaf) => leafHash(nodeHashes, leaf.bytes));
  const lines = leaves.map((leaf, seq) => `${formatLeafLine(leaf, hashes[seq])}\n`);
  const subtree = (from: number, to: number): Uint8Array => subtreeRoot(nodeHashes, (i) => hashes[i], from, to);
  const [first, size] = [Math.max(0, before), leaves.length];
  return {
    ...signedCheckpoint(size, subtree(0, size)),
    ledgerId: toHex(LEDGER_ID),
    from: formatTimeNs(BigInt(window.fromMs) * 1_000_000n),
    to: formatTimeNs(BigInt(window.toMs) * 1_000_000n),
    proof: { first, size, hashes: rangeProof(subtree, first, size - 1, size).map(toHex) },
    edgesNdjson: [...lines.slice(first, before + 1), lines[after]].join(''),
    eventsNdjson: lines.slice(before + 1, after).join(''),
    toolVersion: '0.1.0',
  };
}

function buildLeaves(samples: readonly SampleLeaf[]): Leaf[] {
  let previous: Uint8Array = GENESIS_PREVIOUS_MAC;
  return samples.map((sample, seq) => {
    const leaf = parseLeaf(buildLeaf(sample, seq, previous));
    previous = leaf.mac;
    return leaf;
  });
}

function signedCheckpoint(size: number, root: Uint8Array): { origin: string; verifierKey: string; checkpoint: string } {
  const key = generateEd25519();
  const publicKey = rawPublicKey(key);
  const text = formatCheckpointText({ origin: ORIGIN, size, root });
  const keyId = noteKeyId(nodeHashes, ORIGIN, publicKey);
  return {
    origin: ORIGIN,
    verifierKey: formatVerifierKey(nodeHashes, ORIGIN, publicKey),
    checkpoint: formatNote(text, { name: ORIGIN, keyId }, signEd25519(key, utf8(text))),
  };
}

function payloadText(leaf: SampleLeaf): string {
  return typeof leaf.payload === 'string' ? leaf.payload : canonicalJson(leaf.payload);
}

function flagsOf(leaf: SampleLeaf): number {
  return FLAG_LAST_OF_REQUEST | (leaf.hasRequestTag === true ? FLAG_REQUEST_TAG : 0);
}

function requestTag(leaf: SampleLeaf): Uint8Array {
  return new Uint8Array(leaf.hasRequestTag === true ? 64 : 0).fill(0x5a);
}

function buildLeaf(leaf: SampleLeaf, seq: number, previousMac: Uint8Array): Uint8Array {
  const type = leaf.type ?? 'event';
  const timeNs = BigInt(leaf.timeMs) * 1_000_000n;
  const header = { type: typeof type === 'number' ? type : LEAF_TYPES[type], flags: flagsOf(leaf), seq, epoch: 0, timeNs };
  const bytes = joinLeaf(header, requestTag(leaf), utf8(payloadText(leaf)), new Uint8Array(LEAF_MAC_BYTES));
  bytes.set(chainMac(nodeHashes, KEY, LEDGER_ID, previousMac, bytes), bytes.length - LEAF_MAC_BYTES);
  return bytes;
}
