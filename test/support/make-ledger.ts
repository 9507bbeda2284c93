import { createHash, createHmac, createPrivateKey, createPublicKey, sign, type KeyObject } from 'node:crypto';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * A small slow reference writer of docs/formats/ledger.md. It shares nothing with src/, not even the hashing: verifiers are tested
 * against what the document says, and the golden ledger comes from here. Everything is given, so the same input gives the same bytes.
 */
type Value = string | number | boolean | null | readonly Value[] | { readonly [key: string]: Value };

interface LeafSpec {
  /** Number from the table of types; 2 (event) unless given. */
  readonly type?: number;
  /** Bytes or text stand as they are; anything else is written as canonical JSON. */
  readonly payload: Value | Uint8Array;
}

export interface RequestSpec {
  readonly timeNs: bigint;
  readonly leaves: readonly LeafSpec[];
  /** 64 bytes. */
  readonly tag?: Uint8Array;
}

interface LedgerSpec {
  readonly requests: readonly RequestSpec[];
  /** 32 bytes; 0x11 each unless given. */
  readonly hmacKey?: Uint8Array;
  /** 32-byte Ed25519 seed (RFC 8032); 0x22 each unless given. */
  readonly signingSeed?: Uint8Array;
  /** 16 bytes; 0x33 each unless given. */
  readonly ledgerId?: Uint8Array;
  /** Name of the log; made from the public key unless given. */
  readonly origin?: string;
  readonly genesisTimeNs?: bigint;
  /** Replaces fields of the genesis payload; undefined removes one. */
  readonly genesis?: { readonly [key: string]: Value | undefined };
  /** Number of requests that one commit holds; 1 unless given. Only the watermark's generations show it. */
  readonly requestsPerCommit?: number;
}

export interface MadeLedger {
  /** Path below DATA_DIR → content. */
  readonly files: Map<string, Uint8Array>;
  readonly leaves: readonly Uint8Array[];
  readonly hmacKey: Uint8Array;
  readonly signingKey: KeyObject;
  readonly ledgerId: Uint8Array;
  readonly origin: string;
  readonly verifierKey: string;
}

/** 2026-01-02T03:04:05Z */
export const START_NS = 1_767_323_045_000_000_000n;
const MINUTE_NS = 60_000_000_000n;
const SEGMENT_LEAVES = 65_536;
const SEGMENT_BYTES = 33_554_432;
const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex');

export const filled = (bytes: number, value: number): Uint8Array => new Uint8Array(bytes).fill(value);

export function seededSigningKey(seed: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.concat([PKCS8_ED25519, seed]), format: 'der', type: 'pkcs8' });
}

function sha256(...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
}

function hmac(key: Uint8Array, ...parts: readonly Uint8Array[]): Buffer {
  const mac = createHmac('sha256', key);
  for (const part of parts) mac.update(part);
  return mac.digest();
}

function canonical(value: Value): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((item: Value) => canonical(item)).join(',')}]`;
  const fields = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([key, field]) => `${JSON.stringify(key)}:${canonical(field)}`).join(',')}}`;
}

interface Unsealed {
  readonly type: number;
  readonly flags: number;
  readonly timeNs: bigint;
  readonly body: Uint8Array;
}

/** Header, tag and payload without the MAC. */
function leafBody(seq: number, leaf: Unsealed): Buffer {
  const header = Buffer.alloc(24);
  header[0] = 1;
  header[1] = leaf.type;
  header.writeUInt16BE(leaf.flags, 2);
  header.writeBigUInt64BE(BigInt(seq), 4);
  header.writeBigUInt64BE(leaf.timeNs, 16);
  return Buffer.concat([header, leaf.body]);
}

/** Chains leaf bodies: body ‖ HMAC-SHA256(K, domain ‖ ledger id ‖ mac before ‖ body). */
export function chainLeaves(bodies: readonly Uint8Array[], key: Uint8Array, ledgerId: Uint8Array): Buffer[] {
  let mac: Uint8Array = new Uint8Array(32);
  return bodies.map((body) => {
    mac = hmac(key, Buffer.from('proofs/chain/v1\n'), ledgerId, mac, body);
    return Buffer.concat([body, mac]);
  });
}

function payloadBytes(payload: Value | Uint8Array): Uint8Array {
  return payload instanceof Uint8Array ? payload : Buffer.from(canonical(payload));
}

function requestLeaves(request: RequestSpec): Unsealed[] {
  return request.leaves.map((leaf, index) => {
    const tag = index === 0 ? request.tag : undefined;
    const flags = (index === request.leaves.length - 1 ? 1 : 0) | (tag === undefined ? 0 : 4);
    return {
      type: leaf.type ?? 2,
      flags,
      timeNs: request.timeNs,
      body: Buffer.concat([tag ?? Buffer.alloc(0), payloadBytes(leaf.payload)]),
    };
  });
}

/** The leaf that closes the minute of `run`, which holds every counted leaf of that minute; timed like the leaf that follows. */
function minuteSummary(run: readonly Unsealed[], firstSeq: number, timeNs: bigint): Unsealed {
  const levels: Record<string, number> = {};
  const tenants = new Map<string, number>();
  let tenantsOther = 0;
  for (const leaf of run.filter(({ type }) => type === 2)) {
    const text = Buffer.from(leaf.body.subarray((leaf.flags & 4) === 0 ? 0 : 64)).toString();
    const event = JSON.parse(text) as { level?: string; tenant?: string };
    const level = event.level ?? 'none';
    levels[level] = (levels[level] ?? 0) + 1;
    if (event.tenant === undefined) continue;
    if (tenants.has(event.tenant) || tenants.size < 64) tenants.set(event.tenant, (tenants.get(event.tenant) ?? 0) + 1);
    else tenantsOther++;
  }
  const minute = Number(run[0].timeNs / MINUTE_NS);
  const counts = { levels, tenants: Object.fromEntries(tenants), tenantsOther };
  const payload = { minute, firstSeq, lastSeq: firstSeq + run.length - 1, leaves: run.length, ...counts };
  return { type: 13, flags: 1, timeNs, body: Buffer.from(canonical(payload)) };
}

/** All leaves but their MACs, with the minute summaries in their places, and the size after each request. */
function layOut(genesis: Unsealed, requests: readonly RequestSpec[]): { leaves: Unsealed[]; sizes: number[] } {
  const leaves = [genesis];
  const sizes = [1];
  let run = [genesis];
  let runFirst = 0;
  for (const request of requests) {
    if (run.length > 0 && request.timeNs / MINUTE_NS > run[0].timeNs / MINUTE_NS) {
      leaves.push(minuteSummary(run, runFirst, request.timeNs));
      run = [];
      runFirst = leaves.length;
    }
    const own = requestLeaves(request);
    leaves.push(...own);
    for (const leaf of own) run.push(leaf);
    sizes.push(leaves.length);
  }
  return { leaves, sizes };
}

/** u16 length ‖ leaf, one after the other. */
export function joinFrames(leaves: readonly Uint8Array[]): Buffer {
  return Buffer.concat(
    leaves.flatMap((leaf) => {
      const length = Buffer.alloc(2);
      length.writeUInt16BE(leaf.length);
      return [length, leaf];
    }),
  );
}

/** Segment files of consecutive leaves: path below DATA_DIR → content. */
export function toSegments(leaves: readonly Uint8Array[]): Map<string, Uint8Array> {
  const segments = new Map<string, Uint8Array>();
  let first = 0;
  let bytes = 0;
  leaves.forEach((leaf, seq) => {
    bytes += 2 + leaf.length;
    const held = seq + 1 - first;
    const isFull = held === SEGMENT_LEAVES || (held % 256 === 0 && bytes >= SEGMENT_BYTES);
    if (!isFull && seq !== leaves.length - 1) return;
    segments.set(segmentPath(first), joinFrames(leaves.slice(first, seq + 1)));
    first = seq + 1;
    bytes = 0;
  });
  return segments;
}

export function segmentPath(first: number): string {
  return `ledger/segments/${String(first).padStart(20, '0')}.seg`;
}

export function treeRoot(leaves: readonly Uint8Array[]): Buffer {
  if (leaves.length === 0) return sha256();
  const root = (from: number, to: number): Buffer => {
    if (to - from === 1) return sha256(Buffer.of(0), leaves[from]);
    let split = 1;
    while (split * 2 < to - from) split *= 2;
    return sha256(Buffer.of(1), root(from, from + split), root(from + split, to));
  };
  return root(0, leaves.length);
}

function rawPublic(signingKey: KeyObject): Buffer {
  return createPublicKey(signingKey).export({ type: 'spki', format: 'der' }).subarray(12);
}

function keyId(name: string, publicKey: Uint8Array): Buffer {
  return sha256(Buffer.from(`${name}\n\x01`), publicKey).subarray(0, 4);
}

export function toVerifierKey(name: string, signingKey: KeyObject): string {
  const publicKey = rawPublic(signingKey);
  return `${name}+${keyId(name, publicKey).toString('hex')}+${Buffer.concat([Buffer.of(1), publicKey]).toString('base64')}`;
}

export function signCheckpoint(origin: string, size: number, root: Uint8Array, signingKey: KeyObject): string {
  const text = `${origin}\n${size}\n${Buffer.from(root).toString('base64')}\n`;
  const signature = Buffer.concat([keyId(origin, rawPublic(signingKey)), sign(null, Buffer.from(text), signingKey)]);
  return `${text}\n— ${origin} ${signature.toString('base64')}\n`;
}

interface WatermarkSlot {
  readonly generation: number;
  readonly size: number;
  readonly mac: Uint8Array;
  readonly checkpoint: string;
}

export function makeWatermark(key: Uint8Array, slots: readonly WatermarkSlot[]): Buffer {
  const file = Buffer.alloc(8192);
  for (const slot of slots) {
    const at = (slot.generation % 2) * 4096;
    file.write('PIPWMRK1', at, 'latin1');
    file.writeBigUInt64BE(BigInt(slot.generation), at + 8);
    file.writeBigUInt64BE(BigInt(slot.size), at + 20);
    file.writeBigUInt64BE(BigInt(slot.size - 1), at + 28);
    file.set(slot.mac, at + 36);
    file.set(sha256(Buffer.from(slot.checkpoint)), at + 68);
    file.set(hmac(hmac(key, Buffer.from('proofs/watermark/v1\n')), file.subarray(at, at + 100)), at + 100);
  }
  return file;
}

export function makeLedger(spec: LedgerSpec): MadeLedger {
  const hmacKey = spec.hmacKey ?? filled(32, 0x11);
  const signingKey = seededSigningKey(spec.signingSeed ?? filled(32, 0x22));
  const ledgerId = spec.ledgerId ?? filled(16, 0x33);
  const origin = spec.origin ?? `post-incident-proofs/${sha256(rawPublic(signingKey)).toString('hex').slice(0, 16)}`;
  const verifierKey = toVerifierKey(origin, signingKey);
  const fields: Record<string, Value | undefined> = {
    epochPolicy: 'none',
    format: 'post-incident-proofs/ledger/v1',
    keyCommitment: hmac(hmacKey, Buffer.from('proofs/key-commitment/v1\n'), ledgerId).toString('hex'),
    ledgerId: Buffer.from(ledgerId).toString('hex'),
    origin,
    parameters: { segmentBytes: SEGMENT_BYTES, segmentLeaves: SEGMENT_LEAVES },
    publicKey: verifierKey,
    ...spec.genesis,
  };
  const payload = Object.fromEntries(Object.entries(fields).filter((field): field is [string, Value] => field[1] !== undefined));
  const genesis = { type: 1, flags: 1, timeNs: spec.genesisTimeNs ?? START_NS, body: Buffer.from(canonical(payload)) };
  const { leaves: unsealed, sizes } = layOut(genesis, spec.requests);
  const bodies = unsealed.map((leaf, seq) => leafBody(seq, leaf));
  const leaves = chainLeaves(bodies, hmacKey, ledgerId);

  const files = toSegments(leaves);
  const perCommit = spec.requestsPerCommit ?? 1;
  const commits = sizes.filter((_, index) => index === 0 || index === sizes.length - 1 || index % perCommit === 0);
  // A new ledger has both slots for its genesis leaf; each commit after that rewrites the older one.
  const marked = [1, ...commits];
  const slots = marked.slice(-2).map((size, index): WatermarkSlot => {
    const checkpoint = signCheckpoint(origin, size, treeRoot(leaves.slice(0, size)), signingKey);
    return { generation: marked.length - 2 + index, size, mac: leaves[size - 1].subarray(-32), checkpoint };
  });
  files.set('ledger/watermark', makeWatermark(hmacKey, slots));
  files.set('ledger/checkpoint', Buffer.from(slots[slots.length - 1].checkpoint));
  files.set('ledger/log.vkey', Buffer.from(`${verifierKey}\n`));
  files.set('keys/hmac.key', Buffer.from(`${Buffer.from(hmacKey).toString('hex')}\n`));
  files.set('keys/log.key', Buffer.from(signingKey.export({ type: 'pkcs8', format: 'pem' })));
  return { files, leaves, hmacKey, signingKey, ledgerId, origin, verifierKey };
}

/** Puts a ledger on the disk; key files get mode 0600. */
export function writeLedger(files: ReadonlyMap<string, Uint8Array>, dataDir: string): void {
  for (const [path, content] of files) {
    const target = join(dataDir, path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, content);
    if (path.startsWith('keys/')) chmodSync(target, 0o600);
  }
}
