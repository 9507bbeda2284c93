import { ZipArchive } from 'archiver';
import { ARCHIVE_PATHS, ZIP_FIELDS } from './format.ts';

/** Archiver reads the UTC components, so this gives the same DOS time in every zone (1980-01-01, the first there is). */
const FIXED_DATE = new Date(Date.UTC(1980, 0, 1));
/** zlib's best; the cap is on bytes, and a bundle is made rarely. */
const DEFLATE_LEVEL = 9;

/** Files → ZIP of docs/formats/bundle.md; the same files give the same bytes (on one zlib). */
export async function writeZip(files: ReadonlyMap<string, Uint8Array>): Promise<Uint8Array> {
  const archive = new ZipArchive({ zlib: { level: DEFLATE_LEVEL } });
  const chunks: Buffer[] = [];
  const ended = new Promise<void>((resolve, reject) => {
    archive.on('end', resolve);
    archive.on('error', reject);
    archive.on('warning', reject);
  });
  archive.on('data', (chunk) => chunks.push(chunk));
  for (const path of ARCHIVE_PATHS) {
    const content = files.get(path);
    if (content === undefined) throw new Error(`the bundle has no "${path}"`);
    archive.append(Buffer.from(content.buffer, content.byteOffset, content.byteLength), {
      name: path,
      date: FIXED_DATE,
      mode: ZIP_FIELDS.mode,
    });
  }
  await Promise.all([archive.finalize(), ended]);
  return Buffer.concat(chunks);
}
