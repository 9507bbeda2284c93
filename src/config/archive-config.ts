import { SETTINGS, type Setting } from './settings.ts';

/** Where sealed segments are copied to. The S3 keys themselves are a secret. */
export type ArchiveConfig =
  | { readonly kind: 'none' }
  | { readonly kind: 'directory'; readonly path: string }
  | {
      readonly kind: 's3';
      readonly endpoint: string;
      readonly region: string;
      readonly bucket: string;
      /** Without slashes at its ends; may be empty. */
      readonly prefix: string;
      readonly keyFile: string;
    };

/** s3://bucket, s3://bucket/prefix; names as S3 allows them, prefixes as our object keys are. */
const S3_LOCATION = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/([\w-][\w.-]*(?:\/[\w-][\w.-]*)*))?\/?$/;
const REGION = /^[a-z0-9-]{1,40}$/;
/** With its ledger's id and a tile's path behind it a key must stay below S3's 1024 bytes. */
const PREFIX_CHARS_MAX = 512;

/** PROOFS_ARCHIVE and what belongs to it. */
export function parseArchiveConfig(value: (setting: Setting) => string | undefined, faults: string[]): ArchiveConfig {
  const location = value(SETTINGS.archive) ?? SETTINGS.archive.fallback;
  if (location === 'none') return { kind: 'none' };
  if (!location.startsWith('s3:')) {
    if (/^[a-z0-9+.-]+:\/\//i.test(location))
      faults.push(`${SETTINGS.archive.env}="${location}" is neither a folder nor s3://BUCKET/PREFIX`);
    return { kind: 'directory', path: location };
  }
  const match = S3_LOCATION.exec(location);
  if (match === null || (match[2]?.length ?? 0) > PREFIX_CHARS_MAX)
    faults.push(`${SETTINGS.archive.env}="${location}" is not s3://BUCKET or s3://BUCKET/PREFIX (letters, digits and -._ in PREFIX)`);
  const region = value(SETTINGS.s3Region) ?? SETTINGS.s3Region.fallback;
  if (!REGION.test(region)) faults.push(`${SETTINGS.s3Region.env}="${region}" is not a region such as eu-central-1`);
  const endpoint = value(SETTINGS.s3Endpoint) ?? `https://s3.${region}.amazonaws.com`;
  if (!isEndpoint(endpoint))
    faults.push(`${SETTINGS.s3Endpoint.env} is not an address such as https://s3.example.com or http://127.0.0.1:9000`);
  const keyFile = value(SETTINGS.s3KeyFile);
  if (keyFile === undefined)
    faults.push(
      `${SETTINGS.archive.env}="${location}" needs ${SETTINGS.s3KeyFile.env}: a file with the access key id and, below it, the secret`,
    );
  return { kind: 's3', endpoint, region, bucket: match?.[1] ?? '', prefix: match?.[2] ?? '', keyFile: keyFile ?? '' };
}

/** Not quoted in messages: somebody may have put credentials into it. */
function isEndpoint(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, search, hash } = new URL(text);
  return (protocol === 'https:' || protocol === 'http:') && `${username}${password}${search}${hash}` === '';
}
