import { LEVELS } from '../../../kernel/levels.ts';
import { ENTRY_BAD, ENTRY_GOOD, ENTRY_UNPROVED } from './check.ts';
import { byId, el } from './dom.ts';
import { isEvent } from './entry.ts';
import { levelColor } from './palette.ts';
import { renderText } from './render-text.ts';
import type { Store, View } from './store.ts';
import { formatStamp } from './time-format.ts';

const ROW_PX = 28;
/** Rows drawn beyond the visible ones on either side, so that scrolling shows no holes. */
const OVERSCAN = 12;
/** More of a message never fits into a row; the detail shows all of it. */
const ROW_CHARS_MAX = 400;
/** Rows printed: the first pages, not the whole log. */
const PRINT_ROWS = 80;

/** The list: only the rows in sight exist, so that 100,000 entries scroll like ten. */
export function mountTable(store: Store): void {
  const scroller = byId('rows');
  const spacer = byId('rows-space');
  let isPrinting = false;
  const draw = (): void => {
    const { view } = store;
    const { rows } = view.matches;
    spacer.style.height = `${(isPrinting ? Math.min(rows.length, PRINT_ROWS) : rows.length) * ROW_PX}px`;
    const top = isPrinting ? 0 : scroller.scrollTop;
    const from = Math.max(0, Math.floor(top / ROW_PX) - OVERSCAN);
    const to = isPrinting
      ? Math.min(rows.length, PRINT_ROWS)
      : Math.min(rows.length, Math.ceil((top + scroller.clientHeight) / ROW_PX) + OVERSCAN);
    const shown: HTMLElement[] = [];
    for (let position = from; position < to; position++) shown.push(rowOf(view, position));
    spacer.replaceChildren(...shown);
    if (rows.length === 0) spacer.append(el('p', { class: 'empty', text: 'No entry matches. Press Esc to clear the filters.' }));
    scroller.setAttribute('aria-rowcount', String(rows.length));
    scroller.setAttribute('aria-activedescendant', view.cursor >= from && view.cursor < to ? `row-${view.cursor}` : '');
  };
  store.subscribe((view, before) => {
    if (before !== undefined && view.matches !== before.matches) scroller.scrollTop = view.cursor >= 0 ? scroller.scrollTop : 0;
    if (view.cursor >= 0 && view.cursor !== before?.cursor) scrollTo(scroller, view.cursor);
    if (before === undefined || isRowChange(view, before)) draw();
  });
  scroller.addEventListener('scroll', draw, { passive: true });
  new ResizeObserver(draw).observe(scroller);
  spacer.addEventListener('click', (event) => {
    const row = event.target instanceof Element ? event.target.closest('[data-position]') : null;
    if (row !== null) store.update({ cursor: Number(row.getAttribute('data-position')), isDetailOpen: true });
  });
  for (const [name, printing] of [
    ['beforeprint', true],
    ['afterprint', false],
  ] as const) {
    addEventListener(name, () => {
      isPrinting = printing;
      draw();
    });
  }
}

function isRowChange(view: View, before: View): boolean {
  return view.matches !== before.matches || view.cursor !== before.cursor || view.zone !== before.zone || view.verdict !== before.verdict;
}

function scrollTo(scroller: HTMLElement, position: number): void {
  const top = position * ROW_PX;
  if (top < scroller.scrollTop) scroller.scrollTop = top;
  else if (top + ROW_PX > scroller.scrollTop + scroller.clientHeight) scroller.scrollTop = top + ROW_PX - scroller.clientHeight;
}

function rowOf(view: View, position: number): HTMLElement {
  const index = view.matches.rows[position];
  const entry = view.log.entries[index];
  const row = el('div', {
    class: position === view.cursor ? 'row current' : 'row',
    attrs: {
      role: 'row',
      id: `row-${position}`,
      'data-position': String(position),
      'data-seq': String(entry.seq),
      'aria-rowindex': String(position + 1),
    },
  });
  row.style.top = `${position * ROW_PX}px`;
  const status = view.verdict?.statuses[index];
  if (status === ENTRY_BAD || status === ENTRY_UNPROVED) row.classList.add(status === ENTRY_BAD ? 'damaged' : 'unproved');
  const cell = (name: string, text: string): HTMLElement => {
    const node = el('span', { class: `cell ${name}`, attrs: { role: 'gridcell' } });
    renderText(node, text, view.filter.query, ROW_CHARS_MAX);
    return node;
  };
  const level = el(
    'span',
    { class: 'cell level', attrs: { role: 'gridcell' } },
    ...levelBadge(isEvent(entry) ? entry.level : -1, entry.typeName),
  );
  const mark =
    status === ENTRY_GOOD
      ? ['✓', 'proved']
      : status === ENTRY_BAD
        ? ['✗', 'damaged']
        : status === ENTRY_UNPROVED
          ? ['?', 'not proved']
          : ['·', 'not checked yet'];
  const proof = el('span', { class: 'cell proof', text: mark[0], attrs: { role: 'gridcell', title: mark[1], 'aria-label': mark[1] } });
  row.append(proof, cell('time', formatStamp(view.log.timesMs[view.clock][index], view.zone)));
  if (hasColumn(view, 'level') || !isEvent(entry)) row.append(level);
  if (hasColumn(view, 'tenant')) row.append(cell('tenant', entry.tenant));
  if (hasColumn(view, 'source')) row.append(cell('source', entry.source));
  row.append(cell('message', entry.message));
  return row;
}

/** A column without a single value, or (but for levels) with one value throughout, is noise. */
export function hasColumn(view: View, dimension: 'level' | 'tenant' | 'source'): boolean {
  if (dimension === 'level') return view.log.entries.some((entry) => entry.level > 0);
  return view.log.columns[dimension].names.filter((name) => name !== '').length > 1;
}

export function levelBadge(level: number, typeName: string): HTMLElement[] {
  if (level < 0) return [el('span', { class: 'badge-record', text: typeName })];
  if (level === 0) return [el('span', { class: 'faint', text: '–' })];
  const dot = el('span', { class: 'dot' });
  dot.style.background = levelColor(level);
  return [dot, el('span', { text: LEVELS[level] })];
}
