/** A piece of text: shown as it is, or a mark in place of a character that would be invisible or change how the line reads. */
export interface TextPiece {
  readonly text: string;
  readonly isMark: boolean;
  readonly isHit: boolean;
}

/**
 * C0, DEL and C1 controls, soft hyphen, zero-width and bidirectional controls, line and paragraph separators, variation and tag
 * characters, noncharacters: a log line must not hide, reorder or imitate text.
 */
const INVISIBLE =
  // oxlint-disable-next-line no-control-regex, no-misleading-character-class -- naming them is the purpose
  /[\u0000-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\ufff9-\ufffb\u{e0000}-\u{e0fff}]|\p{Noncharacter_Code_Point}|\p{Surrogate}/gu;

/** U+2400 holds pictures of the C0 controls; others are named by their code point. */
function markFor(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  if (code === 0x7f) return '\u2421';
  return `[U+${code.toString(16).toUpperCase().padStart(4, '0')}]`;
}

/** Text → pieces in order, at most `charsMax` characters of it; hits of `query` (case ignored) are marked. */
export function toPieces(text: string, query: string, charsMax: number): TextPiece[] {
  const shown = text.length > charsMax ? text.slice(0, charsMax) : text;
  const pieces: TextPiece[] = [];
  for (const { text: part, isHit } of splitHits(shown, query)) {
    let at = 0;
    for (const match of part.matchAll(INVISIBLE)) {
      if (match.index > at) pieces.push({ text: part.slice(at, match.index), isMark: false, isHit });
      pieces.push({ text: markFor(match[0]), isMark: true, isHit });
      at = match.index + match[0].length;
    }
    if (at < part.length) pieces.push({ text: part.slice(at), isMark: false, isHit });
  }
  if (shown.length < text.length) pieces.push({ text: `… ${text.length - shown.length} more characters`, isMark: true, isHit: false });
  return pieces;
}

/** The text with every invisible character as its mark, for attributes that take plain text only. */
export function toVisible(text: string): string {
  return text.replaceAll(INVISIBLE, markFor);
}

function splitHits(text: string, query: string): { text: string; isHit: boolean }[] {
  if (query === '') return [{ text, isHit: false }];
  const out: { text: string; isHit: boolean }[] = [];
  let at = 0;
  for (const match of text.matchAll(queryPattern(query, 'giu'))) {
    if (match.index > at) out.push({ text: text.slice(at, match.index), isHit: false });
    out.push({ text: match[0], isHit: true });
    at = match.index + match[0].length;
  }
  if (at < text.length) out.push({ text: text.slice(at), isHit: false });
  return out;
}

/** A pattern for the query as plain text. */
export function queryPattern(query: string, flags: 'iu' | 'giu'): RegExp {
  return new RegExp(query.replaceAll(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`), flags);
}
