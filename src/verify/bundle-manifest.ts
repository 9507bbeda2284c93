import { BUNDLE_FORMAT, formatManifest, type Manifest, type ManifestFile } from '../bundle/format.ts';
import { fromUtf8 } from '../kernel/bytes.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Bytes that are not a manifest of docs/formats/bundle.md, and why. */
export class ManifestFormatError extends Error {}

/** Far more than ten files; bounds what a hostile manifest makes a verifier keep. */
const FILES_MAX = 64;

/**
 * Bytes → manifest, or throws ManifestFormatError. The types of all fields are checked here; that there are no others, and that
 * there is one spelling, follows from writing it again.
 */
export function parseManifest(bytes: Uint8Array): Manifest {
  const text = toText(bytes);
  const fields = asFields(tryJson(text), 'the manifest');
  if (fields['format'] !== BUNDLE_FORMAT) throw new ManifestFormatError(`its format is not "${BUNDLE_FORMAT}"`);
  const window = asFields(fields['window'], 'window');
  const checkpoint = asFields(fields['checkpoint'], 'checkpoint');
  const counts = asFields(fields['counts'], 'counts');
  const manifest: Manifest = {
    toolVersion: asText(asFields(fields['tool'], 'tool'), 'version'),
    createdAt: asText(fields, 'createdAt'),
    origin: asText(fields, 'origin'),
    ledgerId: asText(fields, 'ledgerId'),
    window: {
      from: asText(window, 'from'),
      to: asText(window, 'to'),
      first: asCount(window, 'first'),
      last: asCount(window, 'last'),
      entries: asCount(window, 'entries'),
    },
    checkpoint: { size: asCount(checkpoint, 'size'), root: asText(checkpoint, 'root') },
    counts: { levels: asCounts(counts['levels'], 'levels'), types: asCounts(counts['types'], 'types') },
    files: asFiles(fields['files']),
  };
  if (formatManifest(manifest) !== text) throw new ManifestFormatError('it is not written in the one spelling of the format');
  return manifest;
}

const TIME = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(\d{9})Z$/;

/** `YYYY-MM-DDTHH:MM:SS.nnnnnnnnnZ` → ns; undefined for anything else. */
export function parseTimeNs(text: string): bigint | undefined {
  const match = TIME.exec(text);
  const ms = match === null ? Number.NaN : Date.parse(`${match[1]}Z`);
  // Date.parse takes 24:00:00 for the next day; the format does not.
  if (match === null || Number.isNaN(ms) || !new Date(ms).toISOString().startsWith(match[1])) return undefined;
  return BigInt(ms) * 1_000_000n + BigInt(match[2]);
}

function toText(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes);
  } catch (cause) {
    throw new ManifestFormatError('it is not UTF-8', { cause });
  }
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ManifestFormatError('it is not JSON', { cause });
  }
}

function asFields(value: unknown, name: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new ManifestFormatError(`"${name}" is no object`);
  return { ...value };
}

function asText(fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value !== 'string') throw new ManifestFormatError(`"${name}" is no text`);
  return value;
}

function asCount(fields: Fields, name: string): number {
  const value = fields[name];
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw new ManifestFormatError(`"${name}" is no count`);
  return value;
}

function asCounts(value: unknown, name: string): Record<string, number> {
  const fields = asFields(value, name);
  return Object.fromEntries(Object.keys(fields).map((key) => [key, asCount(fields, key)]));
}

function asFiles(value: unknown): ManifestFile[] {
  if (!Array.isArray(value) || value.length > FILES_MAX) throw new ManifestFormatError('"files" is no list of files');
  return value.map((item: unknown) => {
    const file = asFields(item, 'files');
    return {
      path: asText(file, 'path'),
      bytes: asCount(file, 'bytes'),
      sha256: asText(file, 'sha256'),
      mediaType: asText(file, 'mediaType'),
      role: asText(file, 'role'),
    };
  });
}
