import { byId, el } from './dom.ts';
import { topOf, type Dimension } from './log-index.ts';
import { renderText } from './render-text.ts';
import type { Store, View } from './store.ts';
import { formatCount, formatPercent } from './time-format.ts';
import { toVisible } from './visible-text.ts';

const TITLES: readonly (readonly [Dimension, string, number])[] = [
  ['pattern', 'Kinds of messages', 7],
  ['address', 'Addresses', 6],
  ['actor', 'Actors', 5],
  ['tenant', 'Tenants', 5],
  ['source', 'Sources', 5],
];
const LABEL_CHARS_MAX = 160;

/** What stands out among the events shown: the most frequent of everything, a click away from being the filter. */
export function mountFacets(store: Store): void {
  const host = byId('facets');
  store.subscribe((view, before) => {
    if (before !== undefined && before.matches === view.matches) return;
    host.replaceChildren(...TITLES.flatMap(([dimension, title, max]) => facet(store, view, dimension, title, max)));
  });
}

function facet(store: Store, view: View, dimension: Dimension, title: string, max: number): HTMLElement[] {
  const top = topOf(view.log, dimension, view.matches.events, max);
  const picked = view.filter.picks.get(dimension);
  // One value for everything says nothing, unless it is the filter's own doing.
  const isTelling = dimension === 'pattern' || dimension === 'address' ? top.length > 0 : top.length > 1 || picked !== undefined;
  if (!isTelling) return [];
  const most = top[0]?.count ?? 1;
  const total = view.matches.events.length;
  const rows = top.map(({ name, count }) => {
    const label = el('span', { class: 'facet-label' });
    renderText(label, name, '', LABEL_CHARS_MAX);
    const bar = el('span', { class: 'facet-bar' });
    bar.style.width = `${(count / most) * 100}%`;
    const attrs = { type: 'button', 'aria-pressed': String(picked === name), title: toVisible(name) };
    const row = el(
      'button',
      { class: 'facet-row', attrs },
      bar,
      label,
      el('b', { text: formatCount(count) }),
      el('i', { text: formatPercent(count, total) }),
    );
    row.addEventListener('click', () => store.pick(dimension, name));
    return row;
  });
  return [el('section', { class: 'facet', attrs: { 'data-dimension': dimension } }, el('h3', { text: title }), ...rows)];
}
