import { toHex } from '../../../kernel/bytes.ts';
import { FLAG_LAST_OF_REQUEST, FLAG_REQUEST_TAG, LEAF_TYPES, leafTypeName } from '../../../kernel/leaf.ts';
import { checkLine, edgesBefore, ENTRY_BAD, ENTRY_GOOD, ENTRY_UNPROVED } from './check.ts';
import { button, byId, el } from './dom.ts';
import { isEvent } from './entry.ts';
import { parseEntryLine, type EntryLine } from './entry-line.ts';
import { zoneName } from './insight.ts';
import { prettyJson } from './pretty-json.ts';
import { renderText } from './render-text.ts';
import type { Store, View } from './store.ts';
import { levelBadge } from './table.ts';
import { formatCount, formatFull } from './time-format.ts';

/** A leaf has at most 65,535 bytes; JSON escapes can make its text six times as long. */
const DETAIL_CHARS_MAX = 400_000;

/** Everything about one entry, beside the list. */
export function mountDetail(store: Store): void {
  const host = byId('detail');
  store.subscribe((view, before) => {
    const isSame =
      before !== undefined &&
      before.isDetailOpen === view.isDetailOpen &&
      before.cursor === view.cursor &&
      before.matches === view.matches &&
      before.zone === view.zone &&
      before.verdict === view.verdict;
    if (isSame) return;
    const isOpen = view.isDetailOpen && view.cursor >= 0;
    host.hidden = !isOpen;
    document.body.classList.toggle('has-detail', isOpen);
    if (isOpen) host.replaceChildren(...content(store, view));
  });
}

function content(store: Store, view: View): HTMLElement[] {
  const index = view.matches.rows[view.cursor];
  const entry = view.log.entries[index];
  const step = (by: number): void => store.update({ cursor: Math.min(view.matches.rows.length - 1, Math.max(0, view.cursor + by)) });
  const bar = el(
    'div',
    { class: 'detail-bar' },
    el('h2', { text: `Entry ${formatCount(entry.seq)}` }),
    el('span', { class: 'detail-level' }, ...levelBadge(isEvent(entry) ? entry.level : -1, entry.typeName)),
    el('span', { class: 'grow' }),
    button('↑', () => step(-1), { 'aria-label': 'Previous entry', title: 'Previous (k)' }, 'button icon'),
    button('↓', () => step(1), { 'aria-label': 'Next entry', title: 'Next (j)' }, 'button icon'),
    button('✕', () => store.update({ isDetailOpen: false }), { 'aria-label': 'Close', title: 'Close (Esc)' }, 'button icon'),
  );
  const message = el('pre', { class: 'detail-message' });
  renderText(message, entry.message, view.filter.query, DETAIL_CHARS_MAX);
  const parts: HTMLElement[] = [bar, message];
  let line: EntryLine | undefined;
  try {
    line = parseEntryLine(entry.line);
  } catch {
    // The message already says why; the line itself is shown below.
  }
  if (line !== undefined) parts.push(section('Fields', fieldList(fieldsOf(view, line, entry.eventMs))));
  if (line !== undefined)
    parts.push(
      section(
        'Payload, as stored',
        block(leafTypeName(line.head.type) === undefined ? line.payloadText : prettyJson(line.payloadText), view.filter.query),
      ),
    );
  parts.push(section('Proof', proofList(view, index, line)));
  parts.push(
    section(
      'Line of logs/events.ndjson',
      block(entry.line, ''),
      button('Copy line', () => void navigator.clipboard?.writeText(entry.line)),
    ),
  );
  return parts;
}

function fieldsOf(view: View, line: EntryLine, eventMs: number): [string, string][] {
  const receivedMs = Number(line.head.timeNs / 1_000_000n);
  const fields: [string, string][] = [];
  const stamp = (ms: number): string =>
    `${formatFull(ms, view.zone)} ${zoneName(view.zone)}${view.zone === 'utc' ? '' : ` (${formatFull(ms, 'utc')} UTC)`}`;
  if (line.head.type === LEAF_TYPES.event) {
    const parsed = JSON.parse(line.payloadText) as Record<string, unknown>;
    if (!Number.isNaN(eventMs)) fields.push(['Event time', stamp(eventMs)]);
    for (const key of ['level', 'tenant', 'source', 'actor', 'traceId', 'spanId']) {
      const value = parsed[key];
      if (typeof value === 'string') fields.push([key, value]);
    }
  }
  fields.push(['Received', stamp(receivedMs)]);
  return fields;
}

function proofList(view: View, index: number, line: EntryLine | undefined): HTMLElement {
  const entry = view.log.entries[index];
  const status = view.verdict?.statuses[index];
  const { fault } = checkLine(entry.line, view.envelope.head.proof.first + edgesBefore(view.envelope) + index);
  const words =
    status === ENTRY_GOOD
      ? 'proved: its content gives its SHA-256, and that leads to the signed root'
      : status === ENTRY_BAD
        ? `damaged: ${fault ?? 'see the verification report'}`
        : status === ENTRY_UNPROVED
          ? 'its content gives its SHA-256, but the signed root is not reached'
          : 'not checked yet';
  const fields: [string, string][] = [['Status', words]];
  if (line !== undefined) {
    const { head } = line;
    const flags = [
      (head.flags & FLAG_LAST_OF_REQUEST) === 0 ? '' : 'last of its request',
      (head.flags & FLAG_REQUEST_TAG) === 0 ? '' : 'request tag',
    ];
    fields.push(
      ['Number', String(head.seq)],
      ['SHA-256 of leaf', head.leafHash],
      ['MAC', toHexText(head.mac)],
      ['Received (ns)', String(head.timeNs)],
    );
    fields.push(['Flags', `${head.flags} ${flags.filter((flag) => flag !== '').join(', ')}`], ['Key epoch', String(head.epoch)]);
    if (head.request !== undefined) fields.push(['Request tag', toHexText(head.request)]);
  }
  return fieldList(fields);
}

function toHexText(base64: string): string {
  try {
    return toHex(Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)));
  } catch {
    return base64;
  }
}

function section(title: string, ...body: HTMLElement[]): HTMLElement {
  return el('section', { class: 'detail-section' }, el('h3', { text: title }), ...body);
}

function block(text: string, query: string): HTMLElement {
  const pre = el('pre', { class: 'block', attrs: { tabindex: '0' } });
  // Line breaks of the layout stay; every other invisible character shows.
  const lines = text.split('\n').map((line) => {
    const node = el('span');
    renderText(node, line, query, DETAIL_CHARS_MAX);
    return node;
  });
  lines.forEach((node, i) => pre.append(...(i === 0 ? [node] : ['\n', node])));
  return pre;
}

function fieldList(fields: readonly (readonly [string, string])[]): HTMLElement {
  const list = el('dl', { class: 'fields' });
  for (const [name, value] of fields) {
    const dd = el('dd');
    renderText(dd, value, '', DETAIL_CHARS_MAX);
    list.append(el('dt', { text: name }), dd);
  }
  return list;
}
