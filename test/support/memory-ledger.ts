import { createPrivateKey, type KeyObject } from 'node:crypto';
import { concat, toHex, utf8, writeU16, writeU32, writeU64, writeU64BigInt } from '../../src/kernel/bytes.ts';
import { canonicalJson, type Json } from '../../src/kernel/canonical-json.ts';
import { chainMac, GENESIS_PREVIOUS_MAC, keyCommitment } from '../../src/kernel/chain.ts';
import type { Clock } from '../../src/kernel/clock.ts';
import { rawPublicKey, signEd25519 } from '../../src/kernel/ed25519.ts';
import { EMPTY_BATCH, type EventBatch } from '../../src/kernel/event-batch.ts';
import { leafHash, nodeHash } from '../../src/kernel/hashes.ts';
import {
  FLAG_LAST_OF_REQUEST,
  FLAG_REQUEST_TAG,
  LEAF_HEADER_BYTES,
  LEAF_MAC_BYTES,
  LEAF_TYPES,
  LEAF_VERSION,
  parseLeaf,
  SEGMENT_BYTES_TARGET,
  SEGMENT_LEAVES_MAX,
  TILE_WIDTH,
  type Leaf,
} from '../../src/kernel/leaf.ts';
import { consistencyPath, inclusionPath, rangeProof, splitPoint, subtreeRoot } from '../../src/kernel/merkle.ts';
import { nodeHashes } from '../../src/kernel/node-hashes.ts';
import { formatCheckpointText, formatNote, formatVerifierKey, noteKeyId } from '../../src/kernel/note.ts';
import type { Appended, AppendRequest, Ledger, LedgerHead, LedgerIdentity, LedgerStats } from '../../src/ledger/ports.ts';
import type { TilePath } from '../../src/kernel/tile-path.ts';

/** PKCS#8 header of an Ed25519 seed (RFC 8410 section 7). */
const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex');

export interface MemoryLedgerOptions {
  readonly clock: Clock;
  /** 32 bytes each, 0x11 and 0x22 unless given. */
  readonly hmacKey?: Uint8Array;
  readonly signingSeed?: Uint8Array;
  /** 16 bytes of 0x33 unless given. */
  readonly ledgerId?: Uint8Array;
}

/** Leaf of any type, for tests that need what no writer writes. */
export interface RawLeaf {
  readonly type: number;
  readonly payload: Uint8Array;
  readonly requestTag?: Uint8Array | undefined;
  readonly timeNs?: bigint;
}

/**
 * The ledger port over arrays: real leaves, MACs, signatures and proofs from the kernel, slow and without files. It writes no
 * minute summaries and knows no request tags again: it is for what reads a ledger, not for what writes one.
 */
export class MemoryLedger implements Ledger {
  readonly identity: LedgerIdentity;
  readonly acknowledged = this;
  readonly hmacKey: Uint8Array;
  readonly #clock: Clock;
  readonly #key: KeyObject;
  readonly #leaves: Leaf[] = [];
  readonly #hashes: Uint8Array[] = [];
  readonly #nodes = new Map<string, Uint8Array>();

  constructor(options: MemoryLedgerOptions) {
    this.#clock = options.clock;
    this.hmacKey = options.hmacKey ?? new Uint8Array(32).fill(0x11);
    const seed = options.signingSeed ?? new Uint8Array(32).fill(0x22);
    this.#key = createPrivateKey({ key: Buffer.concat([PKCS8_ED25519, seed]), format: 'der', type: 'pkcs8' });
    const publicKey = rawPublicKey(this.#key);
    const origin = `post-incident-proofs/${toHex(nodeHashes.sha256(publicKey)).slice(0, 16)}`;
    const ledgerId = options.ledgerId ?? new Uint8Array(16).fill(0x33);
    this.identity = { ledgerId, origin, verifierKey: formatVerifierKey(nodeHashes, origin, publicKey) };
    this.push({ type: LEAF_TYPES.genesis, payload: utf8(canonicalJson(this.#genesis())) }, FLAG_LAST_OF_REQUEST);
  }

  /** Adds one leaf as it is; its flags are those of a request of its own unless given. */
  push(raw: RawLeaf, flags: number = FLAG_LAST_OF_REQUEST): void {
    const seq = this.#leaves.length;
    const last = this.#leaves.at(-1);
    const timeNs = raw.timeNs ?? this.#clock();
    const header = new Uint8Array(LEAF_HEADER_BYTES);
    header[0] = LEAF_VERSION;
    header[1] = raw.type;
    writeU16(header, 2, flags | (raw.requestTag === undefined ? 0 : FLAG_REQUEST_TAG));
    writeU64(header, 4, seq);
    writeU32(header, 12, 0);
    writeU64BigInt(header, 16, last !== undefined && last.timeNs > timeNs ? last.timeNs : timeNs);
    const bytes = concat(header, raw.requestTag ?? new Uint8Array(0), raw.payload, new Uint8Array(LEAF_MAC_BYTES));
    const previousMac = last?.mac ?? GENESIS_PREVIOUS_MAC;
    bytes.set(chainMac(nodeHashes, this.hmacKey, this.identity.ledgerId, previousMac, bytes), bytes.length - LEAF_MAC_BYTES);
    this.#leaves.push(parseLeaf(bytes));
    this.#hashes.push(leafHash(nodeHashes, bytes));
  }

  head(): LedgerHead {
    const size = this.#leaves.length;
    return { size, root: this.#subtree(0, size), checkpoint: this.#note(size), lastTimeNs: this.#leaves[size - 1].timeNs };
  }

  async *leaves(first: number, end: number): AsyncIterable<Leaf> {
    for (let seq = first; seq < Math.min(end, this.#leaves.length); seq++) yield this.#leaves[seq];
  }

  firstAtOrAfter(timeNs: bigint): Promise<number> {
    let [low, high] = [0, this.#leaves.length];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (this.#leaves[middle].timeNs < timeNs) low = middle + 1;
      else high = middle;
    }
    return Promise.resolve(low);
  }

  rootAt(size: number): Promise<Uint8Array> {
    return Promise.resolve(this.#subtree(0, size));
  }

  inclusionProof(index: number, size: number): Promise<Uint8Array[]> {
    return Promise.resolve(inclusionPath(this.#subtree, index, size));
  }

  consistencyProof(oldSize: number, newSize: number): Promise<Uint8Array[]> {
    return Promise.resolve(consistencyPath(this.#subtree, oldSize, newSize));
  }

  rangeProof(first: number, last: number, size: number): Promise<Uint8Array[]> {
    return Promise.resolve(rangeProof(this.#subtree, first, last, size));
  }

  tile({ level, index, width }: TilePath): Promise<Uint8Array | undefined> {
    const span = level === 'entries' ? 1 : TILE_WIDTH ** level;
    const first = index * TILE_WIDTH;
    if ((first + width) * span > this.#leaves.length) return Promise.resolve(undefined);
    const parts = Array.from({ length: width }, (_, i) =>
      level === 'entries' ? frame(this.#leaves[first + i].bytes) : this.#subtree((first + i) * span, (first + i + 1) * span),
    );
    return Promise.resolve(concat(...parts));
  }

  append(request: AppendRequest): Promise<Appended> {
    const payloads = eventPayloads(request.events).map((payload) => ({ type: LEAF_TYPES.event as number, payload }));
    if (request.record !== undefined) {
      payloads.push({ type: LEAF_TYPES[request.record.type], payload: utf8(canonicalJson(request.record.payload)) });
    }
    const first = this.#leaves.length;
    const timeNs = this.#clock();
    for (const [i, raw] of payloads.entries()) {
      const requestTag = i === 0 ? request.requestTag : undefined;
      this.push({ ...raw, requestTag, timeNs }, i === payloads.length - 1 ? FLAG_LAST_OF_REQUEST : 0);
    }
    return Promise.resolve({ first, last: this.#leaves.length - 1, checkpoint: this.head().checkpoint, isAnchored: true, isReplay: false });
  }

  signCheckpoint(size: number): Promise<string> {
    return Promise.resolve(this.#note(size));
  }

  sign(message: Uint8Array): Promise<Uint8Array> {
    return Promise.resolve(signEd25519(this.#key, message));
  }

  stats(): LedgerStats {
    return {
      queuedBytes: 0,
      queuedRequests: 0,
      recoveries: 0,
      isDiskFull: false,
      isCheckpointStale: false,
      isAnchorReachable: true,
      unanchoredEntries: 0,
      epochs: { isSealing: false, running: 0, sealedUpTo: 0, forwardSecurity: 'in force' },
    };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** Nodes are kept: without that each root would cost the whole tree again. */
  readonly #subtree = (from: number, to: number): Uint8Array => {
    if (to - from < 2) return subtreeRoot(nodeHashes, (seq) => this.#hashes[seq], from, to);
    const key = `${from}-${to}`;
    let node = this.#nodes.get(key);
    if (node === undefined) {
      const middle = from + splitPoint(to - from);
      node = nodeHash(nodeHashes, this.#subtree(from, middle), this.#subtree(middle, to));
      // The right edge of a growing tree is another node each time; keeping those would be quadratic in memory.
      if (splitPoint(to - from + 1) === to - from) this.#nodes.set(key, node);
    }
    return node;
  };

  #note(size: number): string {
    const { origin } = this.identity;
    const text = formatCheckpointText({ origin, size, root: this.#subtree(0, size) });
    const keyId = noteKeyId(nodeHashes, origin, rawPublicKey(this.#key));
    return formatNote(text, { name: origin, keyId }, signEd25519(this.#key, utf8(text)));
  }

  #genesis(): Json {
    const { ledgerId, origin, verifierKey } = this.identity;
    return {
      epochPolicy: 'none',
      format: 'post-incident-proofs/ledger/v1',
      keyCommitment: toHex(keyCommitment(nodeHashes, this.hmacKey, ledgerId)),
      ledgerId: toHex(ledgerId),
      origin,
      parameters: { segmentBytes: SEGMENT_BYTES_TARGET, segmentLeaves: SEGMENT_LEAVES_MAX },
      publicKey: verifierKey,
    };
  }
}

function frame(leaf: Uint8Array): Uint8Array {
  const length = new Uint8Array(2);
  writeU16(length, 0, leaf.length);
  return concat(length, leaf);
}

function eventPayloads(events: EventBatch): Uint8Array[] {
  return Array.from(events.ends, (end, i) => events.payloads.slice(i === 0 ? 0 : events.ends[i - 1], end));
}

/** Canonical event payloads → batch; only for ledgers that do not look at levels and tenants. */
export function batchOf(...payloads: readonly Json[]): EventBatch {
  const texts = payloads.map((payload) => utf8(canonicalJson(payload)));
  let end = 0;
  return {
    ...EMPTY_BATCH,
    payloads: concat(...texts) as Uint8Array<ArrayBuffer>,
    ends: Uint32Array.from(texts, (text) => (end += text.length)),
    levels: new Uint8Array(texts.length),
    tenants: new Uint16Array(texts.length),
  };
}
