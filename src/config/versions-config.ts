import { SETTINGS, type Setting } from './settings.ts';

export interface VersionsConfig {
  /** Bytes of one content. */
  readonly bytesMax: number;
  readonly artifactsMax: number;
  /** Of all artifacts together. */
  readonly versionsMax: number;
  /** Versions of an artifact whose contents are kept; undefined: all. */
  readonly keep: number | undefined;
}

/** Petabytes, and more artifacts or versions than a start could read, are a slip of the finger. */
const BYTES_MAX = 1e15;
const COUNT_MAX = 10_000_000;
/** The head, and what a confirm window puts back. */
const KEEP_MIN = 2;

export function parseVersionsConfig(value: (setting: Setting) => string | undefined, faults: string[]): VersionsConfig {
  const number = (setting: Setting, min: number, max: number): number => {
    const text = value(setting) ?? setting.fallback;
    const given = /^\d{1,16}$/.test(text) ? Number(text) : -1;
    if (given < min || given > max) faults.push(`${setting.env}="${text}" is not a number from ${min} to ${max}`);
    return given;
  };
  const keeps = value(SETTINGS.versionsKeep) ?? SETTINGS.versionsKeep.fallback;
  return {
    bytesMax: number(SETTINGS.versionsBytes, 1, BYTES_MAX),
    artifactsMax: number(SETTINGS.versionsArtifacts, 1, COUNT_MAX),
    versionsMax: number(SETTINGS.versionsCount, 1, COUNT_MAX),
    keep: keeps === 'all' ? undefined : number(SETTINGS.versionsKeep, KEEP_MIN, COUNT_MAX),
  };
}
