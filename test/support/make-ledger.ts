import type { KeyObject } from 'node:crypto';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { LedgerBuilder, type Step } from './ledger-builder.ts';
import { canonical, hmac, rawPublic, seededSigningKey, sha256, signNote, toVerifierKey, treeRoot, type Value } from './reference-crypto.ts';
import { epochKeyFile, epochSecrets, keyCommitment, type EpochSecrets } from './reference-epochs.ts';

/**
 * A small slow reference writer of docs/formats/ledger.md. It shares nothing with src/, not even the hashing: verifiers are tested
 * against what the document says, and the golden ledgers come from here. Everything is given, so the same input gives the same bytes.
 */
export interface LedgerSpec {
  /** Requests, seals and the begin of sealing, in order. */
  readonly requests: readonly Step[];
  /** seal/v1 takes an epoch seed; none unless given. */
  readonly epochPolicy?: 'none' | 'seal/v1';
  /** Root key, 32 bytes; 0x11 each unless given. */
  readonly hmacKey?: Uint8Array;
  /** S_0, 32 bytes; 0x44 each unless given. */
  readonly epochSeed?: Uint8Array;
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
  /** The root key of the first lineage. */
  readonly hmacKey: Uint8Array;
  readonly signingKey: KeyObject;
  readonly ledgerId: Uint8Array;
  readonly origin: string;
  readonly verifierKey: string;
  /** By epoch, up to the running one. */
  readonly epochs: readonly EpochSecrets[];
  /** The epoch that runs after the last leaf. */
  readonly runningEpoch: number;
  /** Checkpoint of these leaves as the head's, with the signature of `epoch` beside the log key's; without one when undefined. */
  signHead(leaves: readonly Uint8Array[], epoch: number | undefined): string;
}

/** 2026-01-02T03:04:05Z */
export const START_NS = 1_767_323_045_000_000_000n;
const SEGMENT_LEAVES = 65_536;
const SEGMENT_BYTES = 33_554_432;

export const filled = (bytes: number, value: number): Uint8Array => new Uint8Array(bytes).fill(value);

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

export interface WatermarkSlot {
  readonly generation: number;
  /** 0 unless given. */
  readonly epoch?: number;
  readonly size: number;
  readonly mac: Uint8Array;
  readonly checkpoint: string;
}

/** `key`: that of the one epoch, or by epoch. */
export function makeWatermark(key: Uint8Array | ((epoch: number) => Uint8Array), slots: readonly WatermarkSlot[]): Buffer {
  const file = Buffer.alloc(8192);
  for (const slot of slots) {
    const at = (slot.generation % 2) * 4096;
    const epoch = slot.epoch ?? 0;
    file.write('PIPWMRK1', at, 'latin1');
    file.writeBigUInt64BE(BigInt(slot.generation), at + 8);
    file.writeUInt32BE(epoch, at + 16);
    file.writeBigUInt64BE(BigInt(slot.size), at + 20);
    file.writeBigUInt64BE(BigInt(slot.size - 1), at + 28);
    file.set(slot.mac, at + 36);
    file.set(sha256(Buffer.from(slot.checkpoint)), at + 68);
    const epochKey = typeof key === 'function' ? key(epoch) : key;
    file.set(hmac(hmac(epochKey, Buffer.from('proofs/watermark/v1\n')), file.subarray(at, at + 100)), at + 100);
  }
  return file;
}

function genesisPayload(spec: LedgerSpec, verifierKey: string, first: EpochSecrets, ledgerId: Uint8Array): string {
  const policy = spec.epochPolicy ?? 'none';
  const fields: Record<string, Value | undefined> = {
    epochKey: policy === 'none' ? undefined : first.verifierKey,
    epochPolicy: policy,
    format: 'post-incident-proofs/ledger/v1',
    keyCommitment: keyCommitment(first.key, ledgerId),
    ledgerId: Buffer.from(ledgerId).toString('hex'),
    origin: verifierKey.slice(0, verifierKey.indexOf('+')),
    parameters: { segmentBytes: SEGMENT_BYTES, segmentLeaves: SEGMENT_LEAVES },
    publicKey: verifierKey,
    ...spec.genesis,
  };
  return canonical(Object.fromEntries(Object.entries(fields).filter((field): field is [string, Value] => field[1] !== undefined)));
}

/** The key files as they lie beside a ledger after its last leaf. */
function keyFiles(builder: LedgerBuilder, signingKey: KeyObject): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>([['keys/log.key', Buffer.from(signingKey.export({ type: 'pkcs8', format: 'pem' }))]]);
  const hexLine = (key: Uint8Array): Buffer => Buffer.from(`${Buffer.from(key).toString('hex')}\n`);
  if (builder.sealingFrom === undefined) return files.set('keys/hmac.key', hexLine(builder.epochs[0].key));
  builder.lineages.forEach(({ epoch, key }, index) => {
    const isRunning = index === builder.lineages.length - 1;
    files.set(isRunning ? 'keys/verification.key' : `keys/verification-${epoch}.key`, hexLine(key));
  });
  return files.set('keys/epoch.key', epochKeyFile(builder.epochs[builder.runningEpoch]));
}

export function makeLedger(spec: LedgerSpec): MadeLedger {
  const signingKey = seededSigningKey(spec.signingSeed ?? filled(32, 0x22));
  const ledgerId = spec.ledgerId ?? filled(16, 0x33);
  const origin = spec.origin ?? `post-incident-proofs/${sha256(rawPublic(signingKey)).toString('hex').slice(0, 16)}`;
  const verifierKey = toVerifierKey(origin, signingKey);
  const first = epochSecrets({ ledgerId, origin }, 0, spec.hmacKey ?? filled(32, 0x11), spec.epochSeed ?? filled(32, 0x44));
  const builder = new LedgerBuilder({ ledgerId, origin }, first, (spec.epochPolicy ?? 'none') !== 'none');
  builder.addGenesis(genesisPayload(spec, verifierKey, first, ledgerId), spec.genesisTimeNs ?? START_NS);
  for (const step of spec.requests) builder.add(step);
  const { leaves, epochs } = builder;

  const signHead = (covered: readonly Uint8Array[], epoch: number | undefined): string => {
    const own = { name: origin, signingKey };
    const second = epoch === undefined ? [] : [{ name: `${origin}/epoch/${epoch}`, signingKey: epochs[epoch].signingKey }];
    return signNote(origin, covered.length, treeRoot(covered), [own, ...second]);
  };
  const perCommit = spec.requestsPerCommit ?? 1;
  const isCommit = (index: number): boolean => index === 0 || index === builder.ends.length - 1 || index % perCommit === 0;
  // A new ledger has both slots for its genesis leaf; each commit after that rewrites the older one, one that seals both.
  const marked = builder.ends
    .filter((_, index) => isCommit(index))
    .flatMap((end, index) => (index === 0 || end.isSeal ? [end, end] : [end]));
  const slots = marked.slice(-2).map(({ size, epoch }, index): WatermarkSlot => {
    const checkpoint = signHead(leaves.slice(0, size), builder.signingEpochAt(size, epoch));
    return { generation: marked.length - 2 + index, epoch, size, mac: leaves[size - 1].subarray(-32), checkpoint };
  });
  const files = toSegments(leaves);
  files.set(
    'ledger/watermark',
    makeWatermark((epoch) => epochs[epoch].key, slots),
  );
  files.set('ledger/checkpoint', Buffer.from(slots[slots.length - 1].checkpoint));
  files.set('ledger/log.vkey', Buffer.from(`${verifierKey}\n`));
  for (const [path, content] of keyFiles(builder, signingKey)) files.set(path, content);
  return {
    files,
    leaves,
    hmacKey: first.key,
    signingKey,
    ledgerId,
    origin,
    verifierKey,
    epochs,
    runningEpoch: builder.runningEpoch,
    signHead,
  };
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
