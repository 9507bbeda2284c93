import { fromUtf8, toBase64, toHex, utf8, concat, writeU16, writeU32, writeU64, writeU64BigInt } from '../kernel/bytes.ts';
import { LEVELS } from '../kernel/levels.ts';
import { LEAF_HEADER_BYTES, LEAF_TYPES, LEAF_VERSION, leafTypeName, type Leaf, type LeafHeader } from '../kernel/leaf.ts';

/**
 * Names, limits and spellings of docs/formats/bundle.md: what the assembler and the verifier share. Everything here is
 * a pure function from values to the one text that stands for them.
 */
export const BUNDLE_FORMAT = 'post-incident-proofs/bundle/v1';
const TOOL_NAME = 'post-incident-proofs';

/** "At most 5 MB" in either reading of MB. */
export const BUNDLE_BYTES_MAX = 5_000_000;
/** Bounds what a verifier ever inflates; a full bundle of ordinary logs has a sixth of it. */
export const UNCOMPRESSED_BYTES_MAX = 100_000_000;

export const PATHS = {
  guide: 'VERIFY.md',
  checkpoint: 'ledger/checkpoint',
  edges: 'ledger/edges.ndjson',
  publicKey: 'ledger/log.pub.pem',
  verifierKey: 'ledger/log.vkey',
  proof: 'ledger/proof.json',
  events: 'logs/events.ndjson',
  envelope: 'manifest.dsse.json',
  manifest: 'manifest.json',
  timeline: 'timeline.html',
} as const;

/** Archive order: ascending by UTF-16 code units. */
export const ARCHIVE_PATHS: readonly string[] = Object.values(PATHS).toSorted();

export interface FileKind {
  readonly mediaType: string;
  readonly role: string;
}

/** Files that the manifest names: all but the manifests. */
export const FILE_KINDS: ReadonlyMap<string, FileKind> = new Map([
  [PATHS.guide, { mediaType: 'text/markdown', role: 'instructions' }],
  [PATHS.checkpoint, { mediaType: 'text/plain', role: 'checkpoint' }],
  [PATHS.edges, { mediaType: 'application/x-ndjson', role: 'edges' }],
  [PATHS.publicKey, { mediaType: 'application/x-pem-file', role: 'public-key' }],
  [PATHS.verifierKey, { mediaType: 'text/plain', role: 'verifier-key' }],
  [PATHS.proof, { mediaType: 'application/json', role: 'range-proof' }],
  [PATHS.events, { mediaType: 'application/x-ndjson', role: 'entries' }],
  [PATHS.timeline, { mediaType: 'text/html', role: 'timeline' }],
]);

export const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1';
export const PREDICATE_TYPE = 'urn:post-incident-proofs:bundle:v1';
export const PAYLOAD_TYPE = 'application/vnd.in-toto+json';

/** ZIP header fields that are the same for every entry. */
export const ZIP_FIELDS = {
  versionMadeBy: 0x032d,
  versionNeeded: 20,
  flags: 0x0008,
  methodDeflate: 8,
  methodStored: 0,
  time: 0,
  date: 0x0021,
  mode: 0o644,
  externalAttributes: 0x81a4_0020,
} as const;

export interface BundleWindow {
  readonly from: string;
  readonly to: string;
  readonly first: number;
  /** first − 1 when the window is empty. */
  readonly last: number;
  readonly entries: number;
}

export interface ManifestFile extends FileKind {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

export interface Counts {
  readonly levels: Readonly<Record<string, number>>;
  readonly types: Readonly<Record<string, number>>;
}

export interface Manifest {
  readonly toolVersion: string;
  readonly createdAt: string;
  readonly origin: string;
  readonly ledgerId: string;
  readonly window: BundleWindow;
  readonly checkpoint: { readonly size: number; readonly root: string };
  readonly counts: Counts;
  readonly files: readonly ManifestFile[];
}

export interface Subject {
  readonly name: string;
  readonly sha256: string;
}

const NS_PER_SECOND = 1_000_000_000n;

/** Nanoseconds since 1970 → `YYYY-MM-DDTHH:MM:SS.nnnnnnnnnZ`. A u64 ends in the year 2554, so four digits of year suffice. */
export function formatTimeNs(timeNs: bigint): string {
  const seconds = new Date(Number(timeNs / NS_PER_SECOND) * 1000).toISOString().slice(0, -5);
  return `${seconds}.${String(timeNs % NS_PER_SECOND).padStart(9, '0')}Z`;
}

function toKebab(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

const LABELS = new Map<number, string>(Object.entries(LEAF_TYPES).map(([name, code]) => [code, toKebab(name)]));
const CODES = new Map([...LABELS].map(([code, label]) => [label, code]));

/** Name in docs/formats/ledger.md, or the number as text for a type without one. */
export function formatLeafType(type: number): string {
  return LABELS.get(type) ?? String(type);
}

/** The type a label stands for; undefined unless it is the one spelling. */
export function parseLeafType(label: string): number | undefined {
  const code = CODES.get(label);
  if (code !== undefined) return code;
  const isNumber = /^(0|[1-9]\d{0,2})$/.test(label) && Number(label) <= 0xff;
  return isNumber && leafTypeName(Number(label)) === undefined ? Number(label) : undefined;
}

/** One line without its line end. Throws a TypeError when the payload of a named type is not UTF-8. */
export function formatLeafLine(leaf: Leaf, leafHash: Uint8Array): string {
  const request = leaf.requestTag === undefined ? '' : `,"request":"${toBase64(leaf.requestTag)}"`;
  const payload =
    leafTypeName(leaf.type) === undefined ? `"payloadBase64":"${toBase64(leaf.payload)}"` : `"payload":${fromUtf8(leaf.payload)}`;
  const head = `{"seq":${leaf.seq},"type":"${formatLeafType(leaf.type)}","time":"${formatTimeNs(leaf.timeNs)}","timeNs":"${leaf.timeNs}"`;
  return `${head},"flags":${leaf.flags},"epoch":${leaf.epoch},"mac":"${toBase64(leaf.mac)}","leafHash":"${toHex(leafHash)}"${request},${payload}}`;
}

/** Leaf bytes from what a line says. */
export function joinLeaf(
  header: Omit<LeafHeader, 'version'>,
  tag: Uint8Array | undefined,
  payload: Uint8Array,
  mac: Uint8Array,
): Uint8Array {
  const fixed = new Uint8Array(LEAF_HEADER_BYTES);
  fixed[0] = LEAF_VERSION;
  fixed[1] = header.type;
  writeU16(fixed, 2, header.flags);
  writeU64(fixed, 4, header.seq);
  writeU32(fixed, 12, header.epoch);
  writeU64BigInt(fixed, 16, header.timeNs);
  return concat(fixed, tag ?? new Uint8Array(0), payload, mac);
}

export function formatProof(first: number, size: number, hashes: readonly Uint8Array[]): string {
  const list = hashes.map((hash) => `"${toHex(hash)}"`).join(',');
  return `{"first":${first},"last":${size - 1},"size":${size},"hashes":[${list}]}\n`;
}

export function formatManifest(manifest: Manifest): string {
  const { window, checkpoint, counts } = manifest;
  const files = manifest.files.map(({ path, bytes, sha256, mediaType, role }) => JSON.stringify({ path, bytes, sha256, mediaType, role }));
  const { from, to, first, last, entries } = window;
  return `{
"format":"${BUNDLE_FORMAT}",
"tool":${JSON.stringify({ name: TOOL_NAME, version: manifest.toolVersion })},
"createdAt":"${manifest.createdAt}",
"clock":"server",
"origin":${JSON.stringify(manifest.origin)},
"ledgerId":"${manifest.ledgerId}",
"window":${JSON.stringify({ from, to, first, last, entries })},
"checkpoint":${JSON.stringify({ size: checkpoint.size, root: checkpoint.root })},
"counts":{"levels":${formatCounts(counts.levels, levelRank)},"types":${formatCounts(counts.types, typeRank)}},
"files":[
${files.join(',\n')}
]
}
`;
}

/** Ascending by rank. Not JSON.stringify: JavaScript would put a key like "17" before all others. */
function formatCounts(counts: Readonly<Record<string, number>>, rank: (label: string) => number): string {
  const fields = Object.entries(counts).toSorted(([a], [b]) => rank(a) - rank(b));
  return `{${fields.map(([label, count]) => `${JSON.stringify(label)}:${count}`).join(',')}}`;
}

const levelRank = (label: string): number => (LEVELS as readonly string[]).indexOf(label);
const typeRank = (label: string): number => parseLeafType(label) ?? -1;

export function formatStatement(subjects: readonly Subject[]): string {
  const lines = subjects.map(({ name, sha256 }) => JSON.stringify({ name, digest: { sha256 } }));
  return `{"_type":"${STATEMENT_TYPE}",
"subject":[
${lines.join(',\n')}
],
"predicateType":"${PREDICATE_TYPE}",
"predicate":{"format":"${BUNDLE_FORMAT}"}}
`;
}

/** DSSE v1 pre-authentication encoding: what the signature covers. */
export function preAuthEncoding(payload: Uint8Array): Uint8Array {
  return concat(utf8(`DSSEv1 ${PAYLOAD_TYPE.length} ${PAYLOAD_TYPE} ${payload.length} `), payload);
}

export function formatEnvelope(payload: Uint8Array, keyId: string, signature: Uint8Array): string {
  const signatures = [{ keyid: keyId, sig: toBase64(signature) }];
  return `${JSON.stringify({ payload: toBase64(payload), payloadType: PAYLOAD_TYPE, signatures })}\n`;
}
