import { toSafeText } from './safe-text.ts';
import { SidecarError } from './sidecar-client.ts';

/** A version as a sidecar answers it, as far as it is believed. */
export interface AnsweredVersion {
  readonly version: number;
  readonly sha256: string;
  readonly bytes: number;
  readonly etag: string;
  readonly at: string;
  readonly cause: string;
  readonly actor: string | undefined;
  readonly reason: string | undefined;
  readonly restores: number | undefined;
}

/** Throws SidecarError when the answer is none. */
export function toVersion(value: unknown): AnsweredVersion {
  const { version, sha256, bytes, etag, at, cause, actor, reason, restores } = fieldsOf(value);
  if (!isCount(version) || !isCount(bytes) || typeof etag !== 'string' || typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256))
    throw new SidecarError('strange', 'the answer describes no version; that may be no sidecar');
  return {
    version,
    sha256,
    bytes,
    etag,
    at: textOf(at) ?? '',
    cause: textOf(cause) ?? '',
    actor: textOf(actor),
    reason: textOf(reason),
    restores: isCount(restores) ? restores : undefined,
  };
}

export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

export function itemsOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/** `3  2026-01-02T03:04:05.678Z  12 bytes  sha256 ab12…  rollback to 1  by ann: "why"` */
export function versionLine(version: AnsweredVersion): string {
  const { at, bytes, sha256, cause, restores, actor, reason } = version;
  const what = restores === undefined ? cause : `${cause} to ${restores}`;
  const who = [actor === undefined ? '' : ` by ${actor}`, reason === undefined ? '' : `: ${reason}`].join('');
  return toSafeText(`${String(version.version).padStart(6)}  ${at}  ${bytes} bytes  ${sha256.slice(0, 12)}  ${what}${who}`);
}
