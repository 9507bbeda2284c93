import { ARCHIVE_PATHS, FILE_KINDS, PATHS, type Manifest } from '../bundle/format.ts';
import { fromUtf8, toHex } from '../kernel/bytes.ts';
import { nodeHashes } from '../kernel/node-hashes.ts';
import { NoteFormatError, parseCheckpoint, parseVerifierKey, type SignedCheckpoint, type VerifierKey } from '../kernel/note.ts';
import { ManifestFormatError, parseManifest } from './bundle-manifest.ts';
import type { ReportBuilder } from './bundle-report.ts';
import { parseProof, type RangeProof } from './bundle-tree.ts';

/** What could be read of the files; undefined is always accompanied by a finding. */
export interface ParsedBundle {
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly manifest: Manifest | undefined;
  readonly key: VerifierKey | undefined;
  readonly checkpoint: SignedCheckpoint | undefined;
  readonly proof: RangeProof | undefined;
}

/** readArchive has made sure that every path of the format is there. */
export function fileOf(files: ReadonlyMap<string, Uint8Array>, path: string): Uint8Array {
  return files.get(path) ?? new Uint8Array(0);
}

export function tryText(content: Uint8Array): string | undefined {
  try {
    return fromUtf8(content);
  } catch {
    return undefined;
  }
}

/** Reads what other stages need and holds the files to the manifest. */
export function parseFiles(report: ReportBuilder, files: ReadonlyMap<string, Uint8Array>): ParsedBundle {
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
