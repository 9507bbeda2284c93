import { createHash } from 'node:crypto';
import { Value } from 'typebox/value';
import { parse } from 'yaml';
import { CodedError } from '../kernel/errors.ts';
import { AddressError, addressKey, isInside, parseAddress, parseCidr, type Cidr } from './address.ts';
import type { Limit, Limits, Override } from './limits.ts';
import { LimitsSchema, type LimitsDocument } from './limits-schema.ts';

const IPV6_BITS = 64;
const MISSING_TENANT = '-';
/** Looked through one by one at each decision; whole names are not. */
const PATTERNS_MAX = 100;
const OVERRIDES_MAX = 10_000;
const WINDOW_US_MAX = 24 * 3600 * 1_000_000;
const UNIT_US = { ms: 1000, s: 1_000_000, m: 60_000_000, h: 3_600_000_000 } as const;
/** A file with more faults than this is some other file. */
const FAULTS_MAX = 100;

/** `faults`: everything that is wrong with the file, each with its place. */
export class LimitsError extends CodedError<'bad-limits'> {
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super('bad-limits', faults.join('\n'));
    this.faults = faults;
  }
}

/** Limits from the text of a limits file (YAML or JSON). Throws LimitsError with every fault. */
export function parseLimits(text: string): Limits {
  const document = readDocument(text);
  const faults: string[] = [];
  const ipv6Bits = document.ipv6Prefix ?? IPV6_BITS;
  const names = document.limits.map(({ name }) => name);
  for (const name of new Set(names.filter((each, i) => names.indexOf(each) !== i))) faults.push(`limits: two are named "${name}"`);
  const limits = {
    limits: document.limits.map((limit, i) => toLimit(limit, `limits[${i}]`, ipv6Bits, faults)),
    proxies: toNetworks(document.trustedProxies, 'trustedProxies', faults),
    allowed: toNetworks(document.allow, 'allow', faults),
    ipv6Bits,
    missingTenant: document.missingTenant ?? MISSING_TENANT,
    generation: createHash('sha256').update(text).digest('hex'),
  };
  if (faults.length > 0) throw new LimitsError(faults.slice(0, FAULTS_MAX));
  return limits;
}

function readDocument(text: string): LimitsDocument {
  let value: unknown;
  try {
    // Aliases could make a small file a huge one.
    value = parse(text, { maxAliasCount: 0 });
  } catch (error) {
    throw new LimitsError([error instanceof Error ? error.message.split('\n', 1)[0] : String(error)]);
  }
  const faults = Value.Errors(LimitsSchema, value)
    .filter(({ keyword }) => keyword !== 'boolean')
    .map(({ instancePath, message, params }) => `${placeOf(instancePath)}: ${message}${named(params)}`);
  if (faults.length > 0) throw new LimitsError(faults.slice(0, FAULTS_MAX));
  return value as LimitsDocument;
}

/** `/limits/0/name` → `limits[0].name`. */
function placeOf(instancePath: string): string {
  const place = instancePath
    .slice(1)
    .replaceAll(/\/(\d+)/g, '[$1]')
    .replaceAll('/', '.');
  return place === '' ? 'the file' : place;
}

/** What the message leaves out: which properties, which values. */
function named(params: object): string {
  const values = Object.values(params).find((value): value is unknown[] => Array.isArray(value));
  return values === undefined ? '' : ` (${values.map(String).join(', ')})`;
}

function toLimit(given: LimitsDocument['limits'][number], place: string, ipv6Bits: number, faults: string[]): Limit {
  const windowUs = toMicroseconds(given.window);
  if (windowUs > WINDOW_US_MAX) faults.push(`${place}.window: "${given.window}" is longer than 24h`);
  const overrides = Object.entries(given.overrides ?? {});
  if (overrides.length > OVERRIDES_MAX) faults.push(`${place}.overrides: ${overrides.length} are more than ${OVERRIDES_MAX}`);
  const exact = new Map<string, number>();
  const patterns: Override[] = [];
  for (const [pattern, limit] of overrides) {
    const override = given.key === 'ip' ? ofNetwork(pattern, limit, `${place}.overrides`, ipv6Bits, faults) : ofNames(pattern, limit);
    if (typeof override === 'string') exact.set(override, limit);
    else if (override !== undefined) patterns.push(override);
  }
  if (patterns.length > PATTERNS_MAX)
    faults.push(`${place}.overrides: ${patterns.length} patterns and networks are more than ${PATTERNS_MAX}; whole names are not limited`);
  return {
    name: given.name,
    key: given.key,
    limit: given.limit,
    windowUs,
    exact,
    patterns: patterns.toSorted((a, b) => b.weight - a.weight),
    onStoreFailure: given.onStoreFailure ?? 'local',
    isDryRun: given.dryRun ?? false,
  };
}

function toMicroseconds(window: string): number {
  const unit = /[a-z]+$/.exec(window)?.[0] as keyof typeof UNIT_US;
  return Number.parseInt(window, 10) * UNIT_US[unit];
}

/** A whole name, or a pattern in which each * stands for any characters. */
function ofNames(pattern: string, limit: number): Override | string {
  if (!pattern.includes('*')) return pattern;
  const parts = pattern.split('*');
  return { pattern, limit, weight: pattern.length - parts.length + 1, matches: (subject) => matchesParts(subject, parts) };
}

/** Without a regular expression: no pattern can be made that takes long. */
function matchesParts(subject: string, parts: readonly string[]): boolean {
  const [first, last] = [parts[0], parts[parts.length - 1]];
  if (subject.length < first.length + last.length || !subject.startsWith(first) || !subject.endsWith(last)) return false;
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = subject.indexOf(part, at);
    if (found === -1 || found + part.length > subject.length - last.length) return false;
    at = found + part.length;
  }
  return true;
}

/** A single address is the client that it belongs to. */
function ofNetwork(pattern: string, limit: number, place: string, ipv6Bits: number, faults: string[]): Override | string | undefined {
  try {
    if (!pattern.includes('/')) return addressKey(parseAddress(pattern), ipv6Bits);
    const network = parseCidr(pattern);
    if (network.address.kind() === 'ipv6' && network.bits > ipv6Bits)
      faults.push(`${place}: "${pattern}" is smaller than what counts as one client (ipv6Prefix ${ipv6Bits})`);
    return { pattern, limit, weight: network.bits, matches: (_, address) => isInside(address, [network]) };
  } catch (error) {
    if (!(error instanceof AddressError)) throw error;
    faults.push(`${place}: ${error.message}`);
    return undefined;
  }
}

function toNetworks(texts: readonly string[] | undefined, place: string, faults: string[]): Cidr[] {
  return (texts ?? []).flatMap((text, i) => {
    try {
      return [parseCidr(text)];
    } catch (error) {
      if (!(error instanceof AddressError)) throw error;
      faults.push(`${place}[${i}]: ${error.message}`);
      return [];
    }
  });
}
