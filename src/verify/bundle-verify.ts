import { deflateRawSync } from 'node:zlib';
import { ARCHIVE_PATHS, FILE_KINDS, PATHS, type Manifest } from '../bundle/format.ts';
import { equalBytes, fromHex, fromUtf8, toHex, utf8 } from '../kernel/bytes.ts';
import { LEDGER_ID_BYTES } from '../kernel/chain.ts';
import { publicKeyPem, verifyEd25519 } from '../kernel/ed25519.ts';
import { nodeHashes } from '../kernel/node-hashes.ts';
import { isSignedBy, NoteFormatError, parseCheckpoint, parseVerifierKey, type SignedCheckpoint, type VerifierKey } from '../kernel/note.ts';
import { ArchiveFormatError, readArchive, type ArchiveFile } from './bundle-archive.ts';
import { checkChain } from './bundle-chain.ts';
import { checkOrder, countEntries, placesOf, readEntries, type CheckedEntry } from './bundle-entries.ts';
import { ManifestFormatError, parseManifest } from './bundle-manifest.ts';
import { BUNDLE_STAGES, ReportBuilder, type BundleFacts, type BundleReport, type BundleStageName } from './bundle-report.ts';
import { EnvelopeError, openEnvelope } from './bundle-signature.ts';
import { checkRoot, parseProof, rootWithin, type RangeProof } from './bundle-tree.ts';
import { checkWindow } from './bundle-window.ts';

export interface VerifyBundleInput {
  /** The ZIP. Hostile. */
  readonly bytes: Uint8Array;
  readonly pinnedKey?: VerifierKey | undefined;
  /** A checkpoint that the reader got another way. */
  readonly anchor?: SignedCheckpoint | undefined;
  readonly hmacKey?: Uint8Array | undefined;
  readonly isUnanchoredAllowed?: boolean;
}

/** What could be read of the files; undefined is always accompanied by a finding. */
interface Parsed {
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly manifest: Manifest | undefined;
  readonly key: VerifierKey | undefined;
  readonly checkpoint: SignedCheckpoint | undefined;
  readonly proof: RangeProof | undefined;
}

/** Checks a bundle as docs/formats/bundle.md says, offline, in its order. Never throws on account of what is in it. */
export function verifyBundle(input: VerifyBundleInput): BundleReport {
  const report = new ReportBuilder();
  const allow = { unanchored: input.isUnanchoredAllowed === true, unsealed: false };
  const facts = { bytes: input.bytes.length, sha256: toHex(nodeHashes.sha256(input.bytes)) };
  let archive: ArchiveFile[];
  try {
    archive = readArchive(input.bytes);
  } catch (error) {
    if (!(error instanceof ArchiveFormatError)) throw error;
    report.found('MALFORMED_ARCHIVE', { file: 'the archive' }, 'the archive of the format, and nothing else', error.message);
    report.close('archive', '');
    const rest = (Object.keys(BUNDLE_STAGES) as BundleStageName[]).filter((name) => name !== 'archive');
    for (const name of rest) report.skip(name, 'the archive cannot be read');
    return report.build({ ...facts, ...NO_FACTS }, false, allow);
  }
  for (const file of archive) {
    if (!file.isCrcRight) report.found('TAMPERED', { file: file.path }, 'the checksum that the archive states', 'other content');
  }
  report.close('archive', `${archive.length} files, nothing beside them`);
  const files = new Map(archive.map(({ path, content }) => [path, content]));
  const parsed = parseFiles(report, files);
  checkSignatures(report, input, parsed);
  const { macsChecked, isAnchored } = checkContent(report, input, parsed);
  checkSpelling(report, archive, parsed);
  const isWhole = isAnchored && report.isClean;
  return report.build({ ...facts, ...factsOf(parsed), macsChecked }, isWhole, allow);
}

const NO_FACTS = {
  origin: null,
  ledgerId: null,
  verifierKey: null,
  from: null,
  to: null,
  entries: null,
  checkpointSize: null,
  macsChecked: 0,
};

function factsOf({ files, manifest, checkpoint }: Parsed): Omit<BundleFacts, 'bytes' | 'sha256' | 'macsChecked'> {
  return {
    origin: manifest?.origin ?? null,
    ledgerId: manifest?.ledgerId ?? null,
    verifierKey: tryText(fileOf(files, PATHS.verifierKey))?.trimEnd() ?? null,
    from: manifest?.window.from ?? null,
    to: manifest?.window.to ?? null,
    entries: manifest?.window.entries ?? null,
    checkpointSize: checkpoint?.size ?? null,
  };
}

/** readArchive has made sure that every path of the format is there. */
function fileOf(files: ReadonlyMap<string, Uint8Array>, path: string): Uint8Array {
  return files.get(path) ?? new Uint8Array(0);
}

function tryText(content: Uint8Array): string | undefined {
  try {
    return fromUtf8(content);
  } catch {
    return undefined;
  }
}

/** Reads what other stages need and holds the files to the manifest. */
function parseFiles(report: ReportBuilder, files: ReadonlyMap<string, Uint8Array>): Parsed {
  const read = <T>(path: string, parse: (content: Uint8Array) => T): T | undefined => {
    try {
      return parse(fileOf(files, path));
    } catch (error) {
      if (!(error instanceof NoteFormatError) && !(error instanceof ManifestFormatError) && !(error instanceof TypeError)) throw error;
      report.found('TAMPERED', { file: path }, 'a file of the format', error.message);
      return undefined;
    }
  };
  const manifest = read(PATHS.manifest, parseManifest);
  const key = read(PATHS.verifierKey, (content) => parseVerifierKey(nodeHashes, fromUtf8(content)));
  const checkpoint = read(PATHS.checkpoint, (content) => parseCheckpoint(fromUtf8(content)));
  const proof = parseProof(fileOf(files, PATHS.proof));
  if (proof === undefined) report.found('TAMPERED', { file: PATHS.proof }, 'a range proof', 'something else');
  if (manifest !== undefined) checkFiles(report, files, manifest);
  if (manifest === undefined) report.skip('files', 'the manifest cannot be read');
  else report.close('files', `${manifest.files.length} files have the size and SHA-256 that the manifest states`);
  return { files, manifest, key, checkpoint, proof };
}

function checkFiles(report: ReportBuilder, files: ReadonlyMap<string, Uint8Array>, manifest: Manifest): void {
  const expected = ARCHIVE_PATHS.filter((path) => FILE_KINDS.has(path));
  const listed = manifest.files.map(({ path }) => path);
  if (listed.join('\n') !== expected.join('\n'))
    report.found('TAMPERED', { file: PATHS.manifest }, `the files ${expected.join(', ')}`, 'others, or in another order');
  for (const file of manifest.files) {
    const content = files.get(file.path);
    const kind = FILE_KINDS.get(file.path);
    if (content === undefined || kind === undefined) continue;
    if (content.length !== file.bytes) report.found('TAMPERED', { file: file.path }, `${file.bytes} bytes`, `${content.length} bytes`);
    else if (toHex(nodeHashes.sha256(content)) !== file.sha256)
      report.found('TAMPERED', { file: file.path }, `SHA-256 ${file.sha256}`, 'other content');
    if (kind.mediaType !== file.mediaType || kind.role !== file.role)
      report.found('TAMPERED', { file: PATHS.manifest }, `"${file.path}" as ${kind.role}`, 'another role or media type');
  }
}

/** Stages signature, key and checkpoint. */
function checkSignatures(report: ReportBuilder, input: VerifyBundleInput, parsed: Parsed): void {
  const { files, key, checkpoint, manifest } = parsed;
  if (key === undefined) {
    for (const name of ['signature', 'key', 'checkpoint'] as const) report.skip(name, 'the verifier key cannot be read');
    return;
  }
  checkEnvelope(report, files, key);
  report.close('signature', `every file is signed by ${key.name}, key id ${key.keyId.toString(16).padStart(8, '0')}`);
  const { pinnedKey } = input;
  if (pinnedKey !== undefined && (pinnedKey.name !== key.name || !equalBytes(pinnedKey.publicKey, key.publicKey))) {
    report.found(
      'KEY_MISMATCH',
      { file: PATHS.verifierKey },
      `the key of "${pinnedKey.name}" that was given`,
      `another key, of "${key.name}"`,
    );
  }
  if (pinnedKey === undefined) report.skip('key', 'no --key is given: compare the verifier key with the one its operator published');
  else report.close('key', 'it is the one that was given');
  if (pinnedKey === undefined && input.anchor === undefined)
    report.notChecked.push('whose key signed this: anybody can make a key; give --key');
  if (checkpoint === undefined) return report.skip('checkpoint', 'the checkpoint cannot be read');
  const place = { file: PATHS.checkpoint };
  if (!isSignedBy(checkpoint, key, verifyEd25519)) report.found('TAMPERED', place, 'a signature of the key', 'none that verifies');
  if (checkpoint.origin !== key.name) report.found('TAMPERED', place, `the origin "${key.name}"`, `"${checkpoint.origin}"`);
  if (manifest !== undefined) {
    const isSame =
      manifest.origin === checkpoint.origin &&
      manifest.checkpoint.size === checkpoint.size &&
      manifest.checkpoint.root === toHex(checkpoint.root);
    if (!isSame) report.found('TAMPERED', { file: PATHS.manifest }, 'origin, size and root of the checkpoint', 'others');
  }
  report.close('checkpoint', `a ledger of ${checkpoint.size} entries with root ${toHex(checkpoint.root)}`);
}

function checkEnvelope(report: ReportBuilder, files: ReadonlyMap<string, Uint8Array>, key: VerifierKey): void {
  try {
    const subjects = openEnvelope(fileOf(files, PATHS.envelope), key);
    const expected = ARCHIVE_PATHS.filter((path) => path !== PATHS.envelope);
    if (subjects.map(({ name }) => name).join('\n') !== expected.join('\n'))
      report.found('TAMPERED', { file: PATHS.envelope }, 'every file as a subject', 'other subjects');
    for (const { name, sha256 } of subjects) {
      const content = files.get(name);
      if (content !== undefined && toHex(nodeHashes.sha256(content)) !== sha256)
        report.found('TAMPERED', { file: name }, 'the content that was signed', 'other content');
    }
  } catch (error) {
    if (!(error instanceof EnvelopeError)) throw error;
    report.found('TAMPERED', { file: PATHS.envelope }, 'a signature of the log key over the files', error.message);
  }
}

/** Stages entries to anchor. */
function checkContent(report: ReportBuilder, input: VerifyBundleInput, parsed: Parsed): { macsChecked: number; isAnchored: boolean } {
  const { files, manifest, checkpoint, proof } = parsed;
  const edges = readEntries(report, PATHS.edges, fileOf(files, PATHS.edges));
  const events = readEntries(report, PATHS.events, fileOf(files, PATHS.events));
  const before = edges.slice(0, edges.length > 1 ? -1 : 0);
  const run = [...before, ...events, ...edges.slice(before.length)];
  const placeOf = placesOf(before.length, events.length);
  checkOrder(report, run, placeOf);
  report.close('entries', `${events.length} entries and ${edges.length} around them give their leaf hashes, without a gap and in order`);
  if (proof === undefined || checkpoint === undefined) report.skip('tree', 'proof or checkpoint cannot be read');
  else {
    checkRoot(report, run, proof, checkpoint);
    report.close('tree', 'lines and range proof give the signed root');
  }
  if (manifest === undefined) {
    for (const name of ['window', 'counts', 'macs'] as const) report.skip(name, 'the manifest cannot be read');
    return { macsChecked: 0, isAnchored: checkAnchor(report, input, parsed, run) };
  }
  checkWindow(report, { manifest, proof, edges, events });
  report.close('window', `no entry received from ${manifest.window.from} to before ${manifest.window.to} is left out`);
  checkCounts(report, manifest, events);
  report.close('counts', 'levels and types are those of the entries');
  const macsChecked = checkMacs(report, input, { manifest, run, placeOf });
  return { macsChecked, isAnchored: checkAnchor(report, input, parsed, run) };
}

function checkCounts(report: ReportBuilder, manifest: Manifest, events: readonly CheckedEntry[]): void {
  const own = countEntries(events);
  for (const [name, counts] of [
    ['levels', own.levels],
    ['types', own.types],
  ] as const) {
    const stated = manifest.counts[name];
    const labels = new Set([...Object.keys(stated), ...counts.keys()]);
    for (const label of labels) {
      const [expected, found] = [stated[label] ?? 0, counts.get(label) ?? 0];
      if (expected !== found || stated[label] === 0)
        report.found('TAMPERED', { file: PATHS.manifest }, `${name} ${label}: ${found} as in the entries`, String(expected));
    }
  }
}

function checkMacs(
  report: ReportBuilder,
  { hmacKey }: VerifyBundleInput,
  { manifest, run, placeOf }: { manifest: Manifest; run: readonly CheckedEntry[]; placeOf: (index: number) => string },
): number {
  if (hmacKey === undefined) {
    report.skip('macs', 'needs the HMAC key (--hmac-key)');
    report.notChecked.push('MACs: only the holder of the HMAC key can; give --hmac-key');
    return 0;
  }
  const ledgerId = fromHex(manifest.ledgerId);
  if (ledgerId?.length !== LEDGER_ID_BYTES) {
    report.found('TAMPERED', { file: PATHS.manifest }, 'a ledger id of 32 hex digits', manifest.ledgerId.slice(0, 64));
    report.close('macs', '');
    return 0;
  }
  const compared = checkChain(report, { hmacKey, ledgerId, run, placeOf });
  if (run[0]?.leaf !== undefined && run[0].leaf.seq > 0)
    report.notChecked.push(`the MAC of entry ${run[0].leaf.seq}: it needs the entry before it`);
  report.close('macs', `${compared} MACs recomputed`);
  return compared;
}

/** True when the anchor states size and root of the bundle's own checkpoint. */
function checkAnchor(
  report: ReportBuilder,
  { anchor }: VerifyBundleInput,
  { key, checkpoint, proof }: Parsed,
  run: readonly CheckedEntry[],
): boolean {
  if (anchor === undefined || key === undefined || checkpoint === undefined || proof === undefined) {
    report.skip('anchor', anchor === undefined ? 'no --anchor is given' : 'key, checkpoint or proof cannot be read');
    report.notChecked.push('whether other signed histories of this ledger exist: needs a checkpoint kept elsewhere (--anchor)');
    return false;
  }
  const place = { file: PATHS.checkpoint };
  const expected = `the anchor’s ${anchor.size} entries with root ${toHex(anchor.root)}`;
  if (anchor.origin !== key.name || !isSignedBy(anchor, key, verifyEd25519)) {
    report.found(
      'KEY_MISMATCH',
      place,
      'an anchor signed by the ledger’s key',
      `one of "${anchor.origin.slice(0, 64)}" without a good signature of it`,
    );
    report.close('anchor', '');
    return false;
  }
  const root = anchor.size === checkpoint.size ? checkpoint.root : rootWithin(run, proof, anchor.size);
  if (root === undefined) {
    report.skip('anchor', `it is of ${anchor.size} entries; only one of ${proof.first + 1} to ${checkpoint.size} can be compared`);
    report.notChecked.push(`the anchor of ${anchor.size} entries: ask for one of ${checkpoint.size}`);
    return false;
  }
  if (!equalBytes(root, anchor.root)) report.found('FORKED', place, expected, `root ${toHex(root)} for that size`);
  const isWhole = anchor.size === checkpoint.size;
  if (!isWhole) report.notChecked.push(`entries from ${anchor.size} on against an anchor: it ends before them`);
  report.close(
    'anchor',
    isWhole
      ? 'the bundle ends in the checkpoint that was kept elsewhere'
      : `entries up to ${anchor.size - 1} are those of the checkpoint that was kept elsewhere`,
  );
  return isWhole;
}

/** What the stages before have not held to its one spelling; and whether the container is the one our zlib makes. */
function checkSpelling(report: ReportBuilder, archive: readonly ArchiveFile[], { files, key }: Parsed): void {
  if (key !== undefined) {
    const pem = publicKeyPem(key.publicKey);
    if (!equalBytes(fileOf(files, PATHS.publicKey), utf8(pem)))
      report.found('TAMPERED', { file: PATHS.publicKey }, 'the key of ledger/log.vkey', 'another, or another spelling');
    const id = key.keyId.toString(16).padStart(8, '0');
    const text = tryText(fileOf(files, PATHS.verifierKey)) ?? '';
    if (!text.startsWith(`${key.name}+${id}+`) || !/^\S+\n$/.test(text))
      report.found('TAMPERED', { file: PATHS.verifierKey }, 'the verifier key and a line end', 'another spelling');
  }
  const other = archive.filter(
    ({ content, compressed }) => content.length > 0 && !equalBytes(deflateRawSync(content, { level: 9 }), compressed),
  );
  if (other.length > 0) {
    report.notChecked.push(
      `the compressed form of ${other.map(({ path }) => path).join(', ')}: another zlib made it, or it was packed again; the contents are what is checked`,
    );
  }
  report.notChecked.push('what timeline.html and VERIFY.md show: they are the files that were signed, for people to read');
  report.close('spelling', other.length > 0 ? 'every file is written in its one spelling' : 'every byte is the one the format gives');
}
