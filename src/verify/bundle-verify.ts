import { PATHS, type Manifest } from '../bundle/format.ts';
import { fromHex, toHex } from '../kernel/bytes.ts';
import { LEDGER_ID_BYTES } from '../kernel/chain.ts';
import { LEAF_TYPES } from '../kernel/leaf.ts';
import { nodeHashes } from '../kernel/node-hashes.ts';
import { checkAnchor } from './bundle-anchor.ts';
import { ArchiveFormatError, readArchive, type ArchiveFile } from './bundle-archive.ts';
import { checkChain } from './bundle-chain.ts';
import { checkOrder, countEntries, placesOf, readEntries, type CheckedEntry } from './bundle-entries.ts';
import { fileOf, parseFiles, tryText, type ParsedBundle } from './bundle-files.ts';
import type { VerifyBundleInput } from './bundle-input.ts';
import { BUNDLE_STAGES, ReportBuilder, type BundleFacts, type BundleReport, type BundleStageName } from './bundle-report.ts';
import { checkSignatures } from './bundle-signatures.ts';
import { checkSpelling } from './bundle-spelling.ts';
import { checkRoot } from './bundle-tree.ts';
import { checkWindow } from './bundle-window.ts';

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

function factsOf({ files, manifest, checkpoint }: ParsedBundle): Omit<BundleFacts, 'bytes' | 'sha256' | 'macsChecked'> {
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

/** Stages entries to anchor. */
function checkContent(report: ReportBuilder, input: VerifyBundleInput, parsed: ParsedBundle): { macsChecked: number; isAnchored: boolean } {
  const { files, manifest, checkpoint, proof } = parsed;
  const edges = readEntries(report, PATHS.edges, fileOf(files, PATHS.edges));
  const events = readEntries(report, PATHS.events, fileOf(files, PATHS.events));
  const before = edges.slice(0, edges.length > 1 ? -1 : 0);
  const run = [...before, ...events, ...edges.slice(before.length)];
  const placeOf = placesOf(before.length, events.length);
  checkOrder(report, run, placeOf);
  checkGenesis(report, parsed, run[0]);
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

/** A bundle that reaches back to the genesis entry says twice which ledger it is of. */
function checkGenesis(report: ReportBuilder, { files, manifest }: ParsedBundle, entry: CheckedEntry | undefined): void {
  const leaf = entry?.leaf;
  if (leaf?.type !== LEAF_TYPES.genesis || leaf.seq !== 0 || manifest === undefined) return;
  const text = tryText(leaf.payload) ?? '';
  const key = tryText(fileOf(files, PATHS.verifierKey))?.trimEnd() ?? '';
  const says = (name: string, value: string): boolean => text.includes(`"${name}":${JSON.stringify(value)}`);
  if (says('ledgerId', manifest.ledgerId) && says('origin', manifest.origin) && says('publicKey', key)) return;
  const place = { file: PATHS.manifest, seqFirst: 0, seqLast: 0 };
  report.found('TAMPERED', place, 'the ledger id, origin and key that stand in the genesis entry', 'others');
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
  { macKeys }: VerifyBundleInput,
  { manifest, run, placeOf }: { manifest: Manifest; run: readonly CheckedEntry[]; placeOf: (index: number) => string },
): number {
  if (macKeys === undefined || macKeys.hmacKeys.length + macKeys.epochKeys.length === 0) {
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
  const { compared, unreached } = checkChain(report, { ...macKeys, ledgerId, run, placeOf });
  if (unreached > 0)
    report.notChecked.push(`the MACs of ${unreached} entries: they lie before the epoch of the given key, or after a rotation`);
  if (run[0]?.leaf !== undefined && run[0].leaf.seq > 0)
    report.notChecked.push(`the MAC of entry ${run[0].leaf.seq}: it needs the entry before it`);
  report.close('macs', `${compared} MACs recomputed`);
  return compared;
}
