import { el } from './dom.ts';
import { toPieces } from './visible-text.ts';

/** Puts hostile text into an element as text nodes: invisible characters as marks, hits of the query highlighted. */
export function renderText(parent: HTMLElement, text: string, query: string, charsMax: number): void {
  parent.replaceChildren(
    ...toPieces(text, query, charsMax).map((piece) => {
      if (!piece.isMark && !piece.isHit) return document.createTextNode(piece.text);
      const classes = [piece.isMark ? 'mark-char' : '', piece.isHit ? 'hit' : ''].join(' ').trim();
      return el(piece.isHit ? 'mark' : 'span', { class: classes, text: piece.text });
    }),
  );
}
