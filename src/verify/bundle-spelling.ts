import { deflateRawSync } from 'node:zlib';
import { PATHS } from '../bundle/format.ts';
import { equalBytes, utf8 } from '../kernel/bytes.ts';
import { publicKeyPem } from '../kernel/ed25519.ts';
import type { ArchiveFile } from './bundle-archive.ts';
import { fileOf, tryText, type ParsedBundle } from './bundle-files.ts';
import type { ReportBuilder } from './bundle-report.ts';

/** What the stages before have not held to its one spelling; and whether the container is the one our zlib makes. */
export function checkSpelling(report: ReportBuilder, archive: readonly ArchiveFile[], { files, key }: ParsedBundle): void {
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
