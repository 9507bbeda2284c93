import type { TimelineInput } from '../../src/bundle/timeline-input.ts';
import { concat, toBase64, toHex, utf8, writeU16, writeU32, writeU64, writeU64BigInt } from '../../src/kernel/bytes.ts';
import { canonicalJson, type Json } from '../../src/kernel/canonical-json.ts';
import { chainMac, GENESIS_PREVIOUS_MAC } from '../../src/kernel/chain.ts';
import { generateEd25519, rawPublicKey, signEd25519 } from '../../src/kernel/ed25519.ts';
import { leafHash } from '../../src/kernel/hashes.ts';
import { FLAG_LAST_OF_REQUEST, FLAG_REQUEST_TAG, LEAF_HEADER_BYTES, LEAF_TYPES, type LeafTypeName } from '../../src/kernel/leaf.ts';
import { rangeProof, subtreeRoot } from '../../src/kernel/merkle.ts';
import { nodeHashes } from '../../src/kernel/node-hashes.ts';
import { formatCheckpointText, formatNote, formatVerifierKey, noteKeyId } from '../../src/kernel/note.ts';

export interface SampleLeaf {
  readonly type?: LeafTypeName;
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
const KEBAB = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/**
 * A real little ledger: chained leaves, tree, signed checkpoint and range proof, cut to the window like a bundle. What the page
 * is tested with is built from the kernel alone.
 */
export function sampleTimelineInput(leaves: readonly SampleLeaf[], window: SampleWindow): TimelineInput {
  let previous: Uint8Array = GENESIS_PREVIOUS_MAC;
  const built = leaves.map((leaf, seq) => {
    const bytes = buildLeaf(leaf, seq, previous);
    previous = bytes.subarray(-32);
    return bytes;
  });
  const hashes = built.map((bytes) => leafHash(nodeHashes, bytes));
  const subtree = (from: number, to: number): Uint8Array => subtreeRoot(nodeHashes, (i) => hashes[i], from, to);
  const first = leaves.findIndex((leaf) => leaf.timeMs >= window.fromMs);
  const last = leaves.findLastIndex((leaf) => leaf.timeMs <= window.toMs);
  const edgeFirst = Math.max(0, first - 1);
  const edgeLast = Math.min(leaves.length - 1, last + 1);
  const lines = leaves.map((leaf, seq) => lineOf(leaf, seq, built[seq], hashes[seq]));
  const key = generateEd25519();
  const publicKey = rawPublicKey(key);
  const text = formatCheckpointText({ origin: ORIGIN, size: leaves.length, root: subtree(0, leaves.length) });
  const keyId = noteKeyId(nodeHashes, ORIGIN, publicKey);
  const edges = [...(edgeFirst < first ? [lines[edgeFirst]] : []), ...(edgeLast > last ? [lines[edgeLast]] : [])];
  return {
    origin: ORIGIN,
    ledgerId: toHex(LEDGER_ID),
    verifierKey: formatVerifierKey(nodeHashes, ORIGIN, publicKey),
    from: new Date(window.fromMs).toISOString(),
    to: new Date(window.toMs).toISOString(),
    checkpoint: formatNote(text, { name: ORIGIN, keyId }, signEd25519(key, utf8(text))),
    proof: { first: edgeFirst, size: leaves.length, hashes: rangeProof(subtree, edgeFirst, edgeLast, leaves.length).map(toHex) },
    edgesNdjson: edges.map((line) => `${line}\n`).join(''),
    eventsNdjson: lines
      .slice(first, last + 1)
      .map((line) => `${line}\n`)
      .join(''),
    toolVersion: '0.1.0',
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
  const header = new Uint8Array(LEAF_HEADER_BYTES);
  header[0] = 1;
  header[1] = LEAF_TYPES[leaf.type ?? 'event'];
  writeU16(header, 2, flagsOf(leaf));
  writeU64(header, 4, seq);
  writeU32(header, 12, 0);
  writeU64BigInt(header, 16, BigInt(leaf.timeMs) * 1_000_000n);
  const body = concat(header, requestTag(leaf), utf8(payloadText(leaf)), new Uint8Array(32));
  body.set(chainMac(nodeHashes, KEY, LEDGER_ID, previousMac, body), body.length - 32);
  return body;
}

function lineOf(leaf: SampleLeaf, seq: number, bytes: Uint8Array, hash: Uint8Array): string {
  const head = {
    seq,
    type: KEBAB(leaf.type ?? 'event'),
    time: new Date(leaf.timeMs).toISOString(),
    timeNs: String(BigInt(leaf.timeMs) * 1_000_000n),
    flags: flagsOf(leaf),
    epoch: 0,
    mac: toBase64(bytes.subarray(-32)),
    leafHash: toHex(hash),
    ...(leaf.hasRequestTag === true ? { request: toBase64(requestTag(leaf)) } : {}),
  };
  return `${JSON.stringify(head).slice(0, -1)},"payload":${payloadText(leaf)}}`;
}
