import { LEVELS } from '../../../kernel/levels.ts';
import { button, byId, el, segmented } from './dom.ts';
import { isBookkeeping, isEvent } from './entry.ts';
import { isFiltering, NO_FILTER } from './filter.ts';
import { chooseGroups, levelColor } from './palette.ts';
import { renderText } from './render-text.ts';
import type { StackBy, Store, View } from './store.ts';
import { formatCount, formatMinute } from './time-format.ts';
import { toVisible } from './visible-text.ts';

const DIMENSION_NAMES = {
  level: 'level',
  pattern: 'kind of message',
  source: 'source',
  actor: 'actor',
  tenant: 'tenant',
  address: 'address',
} as const;
const CHIP_CHARS_MAX = 48;
/** A list of choices longer than that is no help; the search is. */
const OPTIONS_MAX = 200;
/** Keystrokes closer together than this make one search. */
const TYPING_PAUSE_MS = 90;

/** What the chart shows and how: colours, clock, zoom. */
export function mountChartBar(store: Store): void {
  const host = byId('chart-bar');
  const columns = (['level', 'pattern', 'source', 'actor', 'tenant'] as const).filter((by) => store.view.log.columns[by].names.length > 1);
  store.subscribe((view, before) => {
    if (
      before !== undefined &&
      before.stackBy === view.stackBy &&
      before.clock === view.clock &&
      before.zoom === view.zoom &&
      before.zone === view.zone
    )
      return;
    const choice = el('select', { attrs: { 'aria-label': 'Colour by', id: 'stack-by' } });
    for (const by of columns) choice.append(el('option', { text: DIMENSION_NAMES[by], attrs: { value: by } }));
    choice.value = view.stackBy;
    choice.addEventListener('change', () => store.update({ stackBy: choice.value as StackBy }));
    host.replaceChildren(el('label', { class: 'inline' }, 'Colour by ', choice));
    if (view.log.timedCount > 0) {
      const clocks = [
        ['event', 'Event time'],
        ['received', 'Received'],
      ] as const;
      host.append(segmented('Clock', clocks, view.clock, (clock) => store.update({ clock })));
    }
    host.append(el('span', { class: 'grow' }));
    if (view.zoom === undefined) host.append(el('span', { class: 'hint', text: 'Drag to zoom, click a bar to see its events' }));
    else {
      const stepMs = view.zoom.toMs - view.zoom.fromMs < 600_000 ? 1000 : 60_000;
      const range = `${formatMinute(view.zoom.fromMs, view.zone, stepMs)} – ${formatMinute(view.zoom.toMs, view.zone, stepMs)}`;
      host.append(
        el('span', { class: 'zoom-range', text: range }),
        button('Reset zoom', () => store.update({ zoom: undefined }), { id: 'reset-zoom', title: '0' }),
      );
    }
  });
}

/** The colours of the chart when it is not coloured by level; the level chips are the legend then. */
export function mountLegend(store: Store): void {
  const host = byId('legend');
  store.subscribe((view, before) => {
    if (before !== undefined && before.stackBy === view.stackBy) return;
    host.hidden = view.stackBy === 'level';
    host.replaceChildren();
    if (view.stackBy === 'level') return;
    const { groups } = chooseGroups(view.log, view.stackBy);
    for (const { label, color, pick } of groups) {
      const swatch = el('span', { class: 'swatch' });
      swatch.style.background = color;
      const name = el('span', { class: 'legend-label' });
      renderText(name, label === '' ? '(empty)' : label, '', 120);
      if (pick === undefined) host.append(el('span', { class: 'legend-item rest' }, swatch, name));
      else {
        const item = el('button', { class: 'legend-item', attrs: { type: 'button', title: toVisible(label) } }, swatch, name);
        item.addEventListener('click', () => store.pick(view.stackBy, pick));
        host.append(item);
      }
    }
  });
}

/** Level chips with counts, ledger records, picked values, search, number of results. */
export function mountFilters(store: Store): void {
  mountSearch(store);
  const host = byId('filters');
  const { entries } = store.view.log;
  const records = entries.filter((entry) => !isEvent(entry) && !isBookkeeping(entry)).length;
  const routine = entries.filter(isBookkeeping).length;
  store.subscribe((view, before) => {
    if (before !== undefined && before.matches === view.matches) return;
    host.replaceChildren(...levelChips(store, view));
    if (records > 0)
      host.append(
        toggle(`ledger records ${formatCount(records)}`, view.filter.showRecords, () =>
          store.filterBy({ showRecords: !view.filter.showRecords }),
        ),
      );
    if (routine > 0)
      host.append(
        toggle(`routine ${formatCount(routine)}`, view.filter.showBookkeeping, () =>
          store.filterBy({ showBookkeeping: !view.filter.showBookkeeping }),
        ),
      );
    for (const dimension of ['tenant', 'source'] as const) addChoice(host, store, view, dimension);
    for (const [dimension, name] of view.filter.picks) {
      const label = el('span', { class: 'mono' });
      renderText(label, name, '', CHIP_CHARS_MAX);
      const chip = el(
        'button',
        {
          class: 'chip picked',
          attrs: { type: 'button', 'aria-label': `Remove the filter ${DIMENSION_NAMES[dimension]} ${toVisible(name)}` },
        },
        `${DIMENSION_NAMES[dimension]}: `,
        label,
        ' ✕',
      );
      chip.addEventListener('click', () => store.pick(dimension, undefined));
      host.append(chip);
    }
    if (isFiltering(view.filter)) host.append(button('Clear filters', () => clearFilters(store), { id: 'clear-filters' }, 'link'));
    byId('result-count').textContent = resultText(view);
  });
}

export function clearFilters(store: Store): void {
  const { showRecords, showBookkeeping } = store.view.filter;
  store.filterBy({ ...NO_FILTER, showRecords, showBookkeeping });
}

function resultText(view: View): string {
  const [shown, all] = [view.matches.events.length, view.log.eventCount];
  const records = view.matches.rows.length - shown;
  const suffix = records === 0 ? '' : `, ${formatCount(records)} ledger record${records === 1 ? '' : 's'}`;
  return shown === all ? `${formatCount(all)} events${suffix}` : `${formatCount(shown)} of ${formatCount(all)} events${suffix}`;
}

function levelChips(store: Store, view: View): HTMLElement[] {
  const present = new Set(view.log.entries.filter(isEvent).map((entry) => entry.level));
  // A log without levels needs no chip that says so.
  if (present.size === 1 && present.has(0)) return [];
  return LEVELS.flatMap((name, level) => {
    if (!present.has(level)) return [];
    const dot = el('span', { class: 'dot' });
    dot.style.background = levelColor(level);
    const attrs = { type: 'button', 'aria-pressed': String(view.filter.levels.has(level)), 'data-level': name };
    const isEmpty = view.matches.levelCounts[level] === 0;
    const chip = el(
      'button',
      { class: isEmpty ? 'chip empty-chip' : 'chip', attrs },
      dot,
      level === 0 ? 'no level' : name,
      el('b', { text: formatCount(view.matches.levelCounts[level]) }),
    );
    chip.addEventListener('click', () => store.toggleLevel(level));
    return [chip];
  }).reverse();
}

function toggle(label: string, isOn: boolean, flip: () => void): HTMLElement {
  return button(label, flip, { 'aria-pressed': String(isOn) }, 'chip quiet');
}

function addChoice(host: HTMLElement, store: Store, view: View, dimension: 'tenant' | 'source'): void {
  const names = view.log.columns[dimension].names.filter((name) => name !== '').toSorted();
  if (names.length < 2 || names.length > OPTIONS_MAX) return;
  const choice = el(
    'select',
    { attrs: { 'aria-label': `Filter by ${dimension}`, 'data-dimension': dimension } },
    el('option', { text: `any ${dimension}`, attrs: { value: '' } }),
  );
  names.forEach((name, i) => choice.append(el('option', { text: toVisible(name), attrs: { value: String(i + 1) } })));
  const picked = view.filter.picks.get(dimension);
  choice.selectedIndex = picked === undefined ? 0 : names.indexOf(picked) + 1;
  choice.addEventListener('change', () => store.pick(dimension, choice.selectedIndex === 0 ? undefined : names[choice.selectedIndex - 1]));
  host.append(choice);
}

function mountSearch(store: Store): void {
  const input = byId('search') as HTMLInputElement;
  let timer: ReturnType<typeof setTimeout> | undefined;
  input.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(() => store.filterBy({ query: input.value }), TYPING_PAUSE_MS);
  });
  store.subscribe((view, before) => {
    if (before !== undefined && view.filter.query !== before.filter.query && document.activeElement !== input)
      input.value = view.filter.query;
  });
}
