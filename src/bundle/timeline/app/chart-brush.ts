import { el } from './dom.ts';
import { zoneName } from './insight.ts';
import { toMs, toX, type Plot } from './plot.ts';
import type { Store } from './store.ts';
import { formatCount, formatMinute, plural } from './time-format.ts';
import { toVisible } from './visible-text.ts';

/** A pointer that moved less than this meant to click. */
const DRAG_PX = 4;
/** Nothing shorter can be zoomed to: times have millisecond resolution. */
const ZOOM_MS_MIN = 10;

/** Drag to zoom, click a bar to zoom to it, hover for counts. */
export function attachBrush(host: HTMLElement, store: Store, plotNow: () => Plot | undefined): void {
  const band = el('div', { class: 'brush-band' });
  const tip = el('div', { class: 'tip', attrs: { role: 'status' } });
  band.hidden = true;
  tip.hidden = true;
  host.append(band, tip);
  let startX: number | undefined;
  const xOf = (event: PointerEvent): number => event.clientX - host.getBoundingClientRect().left;
  const end = (): void => {
    startX = undefined;
    band.hidden = true;
  };
  host.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    startX = xOf(event);
    host.setPointerCapture(event.pointerId);
  });
  host.addEventListener('pointermove', (event) => {
    const plot = plotNow();
    if (plot === undefined) return;
    const x = xOf(event);
    if (startX !== undefined && Math.abs(x - startX) >= DRAG_PX) showBand(band, plot, startX, x);
    showTip(tip, store, plot, x, host.clientWidth);
  });
  host.addEventListener('pointerup', (event) => {
    const plot = plotNow();
    if (plot !== undefined && startX !== undefined) zoomTo(store, plot, startX, xOf(event));
    end();
  });
  host.addEventListener('pointercancel', end);
  host.addEventListener('pointerleave', () => {
    tip.hidden = true;
  });
}

function zoomTo(store: Store, plot: Plot, fromX: number, toXPx: number): void {
  if (Math.abs(toXPx - fromX) >= DRAG_PX) {
    const [fromMs, untilMs] = [toMs(plot, Math.min(fromX, toXPx)), toMs(plot, Math.max(fromX, toXPx))];
    if (untilMs - fromMs >= ZOOM_MS_MIN) store.update({ zoom: { fromMs, toMs: untilMs } });
    return;
  }
  const bin = binAt(plot, fromX);
  if (plot.bins.stepMs < ZOOM_MS_MIN || bin === undefined || plot.bins.totals[bin] === 0) return;
  const fromMs = plot.bins.startMs + bin * plot.bins.stepMs;
  store.update({ zoom: { fromMs, toMs: fromMs + plot.bins.stepMs - 1 } });
}

function binAt(plot: Plot, x: number): number | undefined {
  if (x < plot.left || x > plot.left + plot.width) return undefined;
  return Math.min(plot.bins.length - 1, Math.floor((toMs(plot, x) - plot.bins.startMs) / plot.bins.stepMs));
}

function showBand(band: HTMLElement, plot: Plot, a: number, b: number): void {
  const clamp = (x: number): number => Math.min(plot.left + plot.width, Math.max(plot.left, x));
  const [from, to] = [clamp(Math.min(a, b)), clamp(Math.max(a, b))];
  band.hidden = false;
  band.style.left = `${from}px`;
  band.style.width = `${to - from}px`;
  band.style.top = `${plot.top}px`;
  band.style.height = `${plot.height}px`;
}

function showTip(tip: HTMLElement, store: Store, plot: Plot, x: number, hostWidth: number): void {
  const bin = binAt(plot, x);
  tip.hidden = bin === undefined;
  if (bin === undefined) return;
  const { bins, stack } = plot;
  const { zone } = store.view;
  const fromMs = bins.startMs + bin * bins.stepMs;
  tip.replaceChildren(el('div', { class: 'tip-time', text: `${formatMinute(fromMs, zone, bins.stepMs)} ${zoneName(zone)}` }));
  tip.append(el('div', { class: 'tip-total', text: plural(bins.totals[bin], 'event') }));
  for (let group = bins.groups - 1; group >= 0; group--) {
    const count = bins.counts[bin * bins.groups + group];
    if (count === 0) continue;
    const swatch = el('span', { class: 'swatch' });
    swatch.style.background = stack.groups[group].color;
    tip.append(
      el(
        'div',
        { class: 'tip-row' },
        swatch,
        el('span', { class: 'tip-label', text: toVisible(stack.groups[group].label) }),
        el('b', { text: formatCount(count) }),
      ),
    );
  }
  const at = toX(plot, fromMs + bins.stepMs / 2);
  const width = tip.offsetWidth;
  tip.style.left = `${Math.max(4, at + 14 + width > hostWidth ? at - 14 - width : at + 14)}px`;
}
