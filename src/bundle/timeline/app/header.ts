import { countBins, findBursts, findPeak, type Bins, type Peak } from './bins.ts';
import { button, byId, el, segmented } from './dom.ts';
import { isBookkeeping, isEvent } from './entry.ts';
import { axisNote, peakCauses, peakSentence, zoneName } from './insight.ts';
import type { Store, View } from './store.ts';
import { formatClock, formatCount, formatFull, formatSpan, plural } from './time-format.ts';
import { renderText } from './render-text.ts';

/** A message pattern in a sentence is a hint, not the message. */
const CAUSE_CHARS_MAX = 90;

/** What one reads first: which ledger, which window, how much, and when it was worst. */
export function mountHeader(store: Store): void {
  const { log } = store.view;
  const events = log.order.received.filter((index) => isEvent(log.entries[index]));
  store.subscribe((view, before) => {
    if (before !== undefined && before.zone === view.zone && before.clock === view.clock && before.axis === view.axis) return;
    drawFacts(view);
    const bins = overallBins(view, events);
    const peak = findPeak(bins);
    renderText(byId('peak'), peakSentence(peak, events.length, view.zone), '', 400);
    drawCauses(store, events, peak);
    drawBursts(store, bins, peak);
    const note = axisNote(view.axis, view.window, view.zone);
    byId('axis-note').textContent = note;
    byId('axis-note').hidden = note === '';
  });
}

function overallBins(view: View, events: ArrayLike<number>): Bins {
  const groupOf = new Uint8Array(view.log.entries.length);
  return countBins(events, view.log.timesMs[view.clock], groupOf, { span: view.axis.span, zone: view.zone, groups: 1 });
}

function drawFacts(view: View): void {
  const { head } = view.envelope;
  byId('origin').textContent = head.origin;
  const records = view.log.entries.filter((entry) => !isEvent(entry));
  const bookkeeping = records.filter(isBookkeeping).length;
  const facts: [string, string][] = [
    ['Window', `${formatFull(view.window.fromMs, view.zone)} – ${formatFull(view.window.toMs, view.zone)} ${zoneName(view.zone)}`],
    ['Length', formatSpan(view.window.toMs - view.window.fromMs)],
    ['Events', formatCount(view.log.eventCount)],
    ['Ledger records', `${formatCount(records.length)}${bookkeeping === 0 ? '' : `, ${formatCount(bookkeeping)} of them routine`}`],
  ];
  byId('facts').replaceChildren(
    ...facts.map(([name, value]) => el('div', { class: 'fact' }, el('dt', { text: name }), el('dd', { text: value }))),
  );
}

function drawCauses(store: Store, events: ArrayLike<number>, peak: Peak | undefined): void {
  const { view } = store;
  const host = byId('causes');
  host.replaceChildren();
  if (peak === undefined) return;
  const causes = peakCauses(view.log, events, view.log.timesMs[view.clock], peak);
  const words = { pattern: 'message', address: 'address', actor: 'actor' } as const;
  if (causes.length > 0) host.append(el('span', { class: 'causes-lead', text: 'In the peak:' }));
  for (const cause of causes) {
    const name = el('span', { class: 'mono' });
    renderText(name, cause.name, '', CAUSE_CHARS_MAX);
    const chip = el(
      'button',
      { class: 'cause', attrs: { type: 'button', title: `Show only this ${words[cause.dimension as 'pattern']}` } },
      name,
      el('b', { text: cause.share }),
    );
    chip.addEventListener('click', () => store.pick(cause.dimension, cause.name));
    host.append(chip);
  }
  host.append(button('Zoom to the peak', () => zoomToPeak(store, peak), { title: 'p' }, 'link'));
}

const BURSTS_MAX = 4;

function drawBursts(store: Store, bins: Bins, peak: Peak | undefined): void {
  const host = byId('bursts');
  host.replaceChildren();
  const bursts = peak === undefined ? [] : findBursts(bins, peak, BURSTS_MAX);
  if (bursts.length === 0) return;
  host.append(el('span', { class: 'causes-lead', text: 'Bursts:' }));
  for (const { fromMs, toMs, count } of bursts) {
    const { zone } = store.view;
    const isOtherDay = formatClock(fromMs, zone, DAY_MS) !== formatClock(peak?.atMs ?? fromMs, zone, DAY_MS);
    const range = `${isOtherDay ? `${formatClock(fromMs, zone, DAY_MS)}, ` : ''}${formatClock(fromMs, zone, bins.stepMs)} – ${formatClock(toMs, zone, bins.stepMs)}`;
    const pad = PEAK_CONTEXT_STEPS * bins.stepMs;
    const chip = el(
      'button',
      { class: 'cause', attrs: { type: 'button', title: 'Zoom to this burst' } },
      range,
      el('b', { text: plural(count, 'event') }),
    );
    chip.addEventListener('click', () => store.update({ zoom: { fromMs: fromMs - pad, toMs: toMs + pad } }));
    host.append(chip);
  }
}

const DAY_MS = 86_400_000;

/** A little of what led to the peak and of what followed belongs into the picture. */
const PEAK_CONTEXT_STEPS = 3;

export function zoomToPeak(store: Store, known?: Peak): void {
  const { log } = store.view;
  const peak =
    known ??
    findPeak(
      overallBins(
        store.view,
        log.order.received.filter((index) => isEvent(log.entries[index])),
      ),
    );
  if (peak === undefined) return;
  const pad = PEAK_CONTEXT_STEPS * peak.stepMs;
  store.update({ zoom: { fromMs: peak.atMs - pad, toMs: peak.atMs + peak.stepMs + pad } });
}

/** UTC or local, dark or light, help: settings of the page, not of the data. */
export function mountSettings(store: Store, openHelp: () => void): void {
  const host = byId('settings');
  store.subscribe((view, before) => {
    if (before !== undefined && before.zone === view.zone) return;
    host.replaceChildren(
      segmented(
        'Time zone',
        [
          ['utc', 'UTC'],
          ['local', 'Local'],
        ] as const,
        view.zone,
        (zone) => store.update({ zone }),
      ),
      button('◐', toggleTheme, { 'aria-label': 'Switch between dark and light', title: 'Dark or light' }, 'button icon'),
      button('?', openHelp, { 'aria-label': 'Keyboard help', title: 'Keyboard (?)' }, 'button icon'),
    );
  });
}

function toggleTheme(): void {
  const root = document.documentElement;
  const isDark =
    root.dataset['theme'] === undefined ? matchMedia('(prefers-color-scheme: dark)').matches : root.dataset['theme'] === 'dark';
  root.dataset['theme'] = isDark ? 'light' : 'dark';
}
