/**
 * Message patterns: numbers, addresses and identifiers collapsed, then words that vary while all others stay the same. A quick
 * look at what kinds of messages there are; a wrong guess costs a less useful list, never a wrong count.
 */

const OCTET = '(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)';
const IPV4 = `(?<![\\d.])${OCTET}(?:\\.${OCTET}){3}(?![\\d.]*\\d)`;
/** What may be an IPv6 address, a time of day or a hardware address; isAddress tells. */
const COLON_GROUPS = '(?<![\\w:])[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?![\\w:])';
const ADDRESS = new RegExp(`${IPV4}|${COLON_GROUPS}`, 'gi');
const VARIABLE = new RegExp(
  [
    '(?<uuid>\\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\\b)',
    `(?<ip>${IPV4}|${COLON_GROUPS})`,
    '(?<hex>\\b0x[0-9a-f]+\\b|\\b(?=[a-f]*\\d)(?=\\d*[a-f])[0-9a-f]{8,}\\b)',
    '(?<n>\\d+(?:[.,]\\d+)*)',
  ].join('|'),
  'gi',
);

/** Text beyond this says nothing about the kind of message. */
const MESSAGE_CHARS_MAX = 240;
/** A hostile message must not list thousands of addresses. */
const ADDRESSES_MAX = 8;

export function addressesOf(text: string): readonly string[] {
  const head = text.length > MESSAGE_CHARS_MAX ? text.slice(0, MESSAGE_CHARS_MAX) : text;
  const found = head.match(ADDRESS);
  return found === null ? NONE : [...new Set(found.filter(isAddress))].slice(0, ADDRESSES_MAX);
}

const NONE: readonly string[] = [];

/** IPv4, or IPv6 with all eight groups or one "::" for some of them. */
function isAddress(text: string): boolean {
  if (!text.includes(':')) return true;
  const isShort = text.includes('::') && text.indexOf('::') === text.lastIndexOf('::');
  return /[0-9a-f]/i.test(text) && (isShort || text.split(':').length === 8);
}

/** First step: every number, address and identifier becomes its kind. */
export function collapseValues(message: string): string {
  const head = message.length > MESSAGE_CHARS_MAX ? `${message.slice(0, MESSAGE_CHARS_MAX)}…` : message;
  return head.replaceAll(VARIABLE, (match, ...rest) => {
    const groups = rest.at(-1) as Record<string, string | undefined>;
    if (groups['ip'] !== undefined) return isAddress(match) ? '<ip>' : '#';
    if (groups['uuid'] !== undefined) return '<id>';
    return groups['hex'] === undefined ? '#' : '<hex>';
  });
}

const WILDCARD = '<*>';
/** This many different words at one place, all else equal, make the place a variable. */
const DISTINCT_WORDS_MIN = 4;
/** Distinct patterns looked at together; a log beyond that has no useful patterns and costs quadratic patience. */
const PATTERNS_MAX = 20_000;
const PASSES_MAX = 3;

/** Second step over the distinct collapsed messages: pattern → the merged pattern it belongs to. */
export function mergePatterns(patterns: readonly string[]): ReadonlyMap<string, string> {
  const merged = new Map(patterns.slice(0, PATTERNS_MAX).map((pattern) => [pattern, pattern]));
  for (let pass = 0; pass < PASSES_MAX; pass++) {
    const replacement = mergeOnce(new Set(merged.values()));
    if (replacement.size === 0) break;
    for (const [pattern, now] of merged) merged.set(pattern, replacement.get(now) ?? now);
  }
  return merged;
}

/** Each pattern's word at the place with the most variants, all else equal, becomes a wildcard. */
function mergeOnce(patterns: ReadonlySet<string>): Map<string, string> {
  const variants = new Map<string, number>();
  for (const pattern of patterns) for (const key of wildcardKeys(pattern)) variants.set(key, (variants.get(key) ?? 0) + 1);
  const replacement = new Map<string, string>();
  for (const pattern of patterns) {
    let [best, bestCount] = ['', DISTINCT_WORDS_MIN - 1];
    for (const key of wildcardKeys(pattern)) {
      const count = variants.get(key) ?? 0;
      if (count > bestCount) [best, bestCount] = [key, count];
    }
    if (best !== '') replacement.set(pattern, best);
  }
  return replacement;
}

/** Patterns of at most two words are not merged: nothing would be left of them. */
const WORDS_MIN = 3;
const WORDS_MAX = 40;

function wildcardKeys(pattern: string): string[] {
  const words = pattern.split(' ');
  if (words.length < WORDS_MIN || words.length > WORDS_MAX) return [];
  // The first word names the kind of message; a wildcard there would join what does not belong together.
  return words
    .slice(1)
    .map((_, i) => words.with(i + 1, WILDCARD).join(' '))
    .filter((key) => key !== pattern);
}
