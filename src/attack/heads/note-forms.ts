import { TAMPERED, type Attack } from '../attack.ts';
import { readAll, rewrite } from '../disk.ts';
import { isReplaced } from '../is-replaced.ts';
import { noteLine } from '../forge-note.ts';

const SIGNATURES = 1_000_000;
/** Each of the forms differs from a genuine note before this. */
const COMPARED_BYTES_MAX = 4096;

/** An attack that rewrites the text of the checkpoint note. */
function noteAttack(name: string, summary: string, change: (note: string) => string): Attack {
  return {
    name,
    summary,
    needs: [],
    isHarmful: false,
    expected: TAMPERED,
    isLocated: false,
    live: 'detected',
    apply(view) {
      const path = view.path('checkpoint');
      const stored = Buffer.from(change(readAll(path).toString('utf8')));
      rewrite(path, stored);
      return { leaves: undefined, note: `rewrote ${path}`, isUndone: () => isReplaced(path, 0, stored.subarray(0, COMPARED_BYTES_MAX)) };
    },
  };
}

/** Text before the blank line, and the signature lines. */
function partsOf(note: string): { text: string; lines: string[] } {
  const split = note.lastIndexOf('\n\n');
  return { text: note.slice(0, split + 1), lines: note.slice(split + 2).match(/.+\n/gu) ?? [] };
}

function join(text: string, lines: readonly string[]): string {
  return `${text}\n${lines.join('')}`;
}

export const noteKeyIdCollision = noteAttack(
  'note-key-id-collision',
  'a line with the log key’s name and id but another signature stands before the genuine one',
  (note) => {
    const { text, lines } = partsOf(note);
    const [, name, signature] = lines[0].trimEnd().split(' ');
    const keyId = Buffer.from(signature, 'base64').readUInt32BE(0);
    return join(text, [noteLine(name, keyId, new Uint8Array(64).fill(7)), ...lines]);
  },
);

export const noteRepeatedLines = noteAttack('note-repeated-lines', 'the checkpoint’s signature line stands there twice', (note) => {
  const { text, lines } = partsOf(note);
  return join(text, [lines[0], ...lines]);
});

export const noteCrlf = noteAttack('note-crlf', 'the checkpoint’s lines end as on Windows', (note) => note.replaceAll('\n', '\r\n'));

export const noteLeadingZeros = noteAttack('note-leading-zeros', 'the checkpoint’s size is spelled with leading zeros', (note) =>
  note.replace(/\n(\d+)\n/u, '\n000$1\n'),
);

export const noteManySignatures = noteAttack(
  'note-many-signatures',
  'the checkpoint carries a million signatures, to keep the verifier busy',
  (note) => {
    const { text, lines } = partsOf(note);
    const filler = noteLine('x', 1, new Uint8Array(1));
    return join(text, [filler.repeat(SIGNATURES), ...lines]);
  },
);
