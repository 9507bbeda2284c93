import { button, byId, el } from './dom.ts';
import { isFiltering } from './filter.ts';
import { zoomToPeak } from './header.ts';
import type { Store } from './store.ts';
import { clearFilters } from './toolbar.ts';

const KEYS: readonly (readonly [string, string])[] = [
  ['/', 'search'],
  ['j  ↓', 'next entry'],
  ['k  ↑', 'previous entry'],
  ['PgDn  PgUp', 'twenty entries on or back'],
  ['Home  End', 'first or last entry'],
  ['Enter', 'open the entry'],
  ['p', 'zoom to the peak'],
  ['0', 'reset the zoom'],
  ['Esc', 'close the entry, then reset zoom and filters'],
  ['?', 'this help'],
];
const PAGE_ROWS = 20;

export function mountKeyboard(store: Store): () => void {
  const help = byId('help') as HTMLDialogElement;
  const rows = KEYS.flatMap(([key, what]) => [
    el('dt', {}, ...key.split('  ').map((name) => el('kbd', { text: name }))),
    el('dd', { text: what }),
  ]);
  help.append(
    el(
      'div',
      { class: 'dialog-bar' },
      el('h2', { text: 'Keyboard' }),
      el('span', { class: 'grow' }),
      button('✕', () => help.close(), { 'aria-label': 'Close' }, 'button icon'),
    ),
    el('dl', { class: 'keys' }, ...rows),
  );
  const openHelp = (): void => help.showModal();
  const actions = new Map<string, () => void>([
    ['/', () => byId('search').focus()],
    ['?', openHelp],
    ['p', () => zoomToPeak(store)],
    ['0', () => store.update({ zoom: undefined })],
    ['Enter', () => store.view.cursor >= 0 && store.update({ isDetailOpen: true })],
    ['Escape', () => escape(store)],
    ...moves(store),
  ]);
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]') !== null) return;
    const action = actions.get(event.key);
    if (action === undefined || !isOurs(event)) return;
    event.preventDefault();
    action();
  });
  return openHelp;
}

/** Typing in a field stays typing, and Enter on a button presses it; Escape leaves the field. */
function isOurs(event: KeyboardEvent): boolean {
  const target = event.target;
  if (target instanceof HTMLInputElement || target instanceof HTMLSelectElement) {
    if (event.key === 'Escape') target.blur();
    const isLeavingSearch = target instanceof HTMLInputElement && (event.key === 'ArrowDown' || event.key === 'Enter');
    if (isLeavingSearch) byId('rows').focus({ preventScroll: true });
    return event.key === 'ArrowDown' && isLeavingSearch;
  }
  return !(target instanceof HTMLButtonElement && event.key === 'Enter');
}

function moves(store: Store): [string, () => void][] {
  const go = (to: (cursor: number, last: number) => number) => () => {
    const last = store.view.matches.rows.length - 1;
    if (last < 0) return;
    store.update({ cursor: Math.min(last, Math.max(0, to(store.view.cursor, last))) });
    const active = document.activeElement;
    if (active === null || active === document.body) byId('rows').focus({ preventScroll: true });
  };
  const next = go((cursor) => cursor + 1);
  const previous = go((cursor) => cursor - 1);
  return [
    ['j', next],
    ['ArrowDown', next],
    ['k', previous],
    ['ArrowUp', previous],
    ['PageDown', go((cursor) => cursor + PAGE_ROWS)],
    ['PageUp', go((cursor) => cursor - PAGE_ROWS)],
    ['Home', go(() => 0)],
    ['End', go((_, last) => last)],
  ];
}

/** One layer per press: the open entry, then zoom, then filters. */
function escape(store: Store): void {
  const { view } = store;
  if (view.isDetailOpen) store.update({ isDetailOpen: false });
  else if (view.zoom !== undefined) store.update({ zoom: undefined });
  else if (isFiltering(view.filter)) clearFilters(store);
}
