import { ARCHIVE_PATHS, PATHS } from '../bundle/format.ts';
import { equalBytes, toHex } from '../kernel/bytes.ts';
import { verifyEd25519 } from '../kernel/ed25519.ts';
import { nodeHashes } from '../kernel/node-hashes.ts';
import { isSignedBy, type VerifierKey } from '../kernel/note.ts';
import { fileOf, type ParsedBundle } from './bundle-files.ts';
import type { VerifyBundleInput } from './bundle-input.ts';
import type { ReportBuilder } from './bundle-report.ts';
import { EnvelopeError, openEnvelope } from './bundle-envelope.ts';

/** Stages signature, key and checkpoint. */
export function checkSignatures(report: ReportBuilder, input: VerifyBundleInput, parsed: ParsedBundle): void {
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
