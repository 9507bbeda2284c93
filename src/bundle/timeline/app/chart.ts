import { LEAF_TYPES } from '../../../kernel/leaf.ts';
import { countBins, countTicks, findPeak } from './bins.ts';
import { attachBrush } from './chart-brush.ts';
import { drawOverview } from './chart-overview.ts';
import { byId, svg } from './dom.ts';
import { isBookkeeping, isEvent } from './entry.ts';
import { zoneName } from './insight.ts';
import { chooseGroups, type Stack } from './palette.ts';
import { toX, type Plot } from './plot.ts';
import type { Store, View } from './store.ts';
import { ticks } from './time-axis.ts';
import { formatClock, formatCount, formatMinute, formatStamp, formatStep, formatTick, plural } from './time-format.ts';
import { toVisible } from './visible-text.ts';

const MARGIN = { left: 52, right: 14, top: 26, bottom: 24 };
const TICK_SPACING_PX = 96;
/** A label centred nearer to the edge would be cut off. */
const EDGE_PX = 16;
/** Bars below this width run together; no gap is drawn between them. */
const GAP_FROM_PX = 4;
/** Markers beyond that would cover the bars. */
const MARKERS_MAX = 200;

/** The stacked bars: redrawn whole on every change, a few hundred shapes at most. */
export function mountChart(store: Store): void {
  const host = byId('chart');
  let plot: Plot | undefined;
  let stack: Stack | undefined;
  const draw = (view: View): void => {
    stack ??= chooseGroups(view.log, view.stackBy);
    plot = makePlot(view, stack, host.clientWidth, host.clientHeight);
    host.querySelector('svg')?.remove();
    host.prepend(drawPlot(view, plot));
    drawOverview(view);
  };
  attachBrush(host, store, () => plot);
  store.subscribe((view, before) => {
    if (before === undefined || view.stackBy !== before.stackBy) stack = undefined;
    if (before === undefined || view.matches !== before.matches || view.stackBy !== before.stackBy || view.zone !== before.zone) draw(view);
  });
  new ResizeObserver(() => draw(store.view)).observe(host);
}

function makePlot(view: View, stack: Stack, widthPx: number, heightPx: number): Plot {
  const span = view.zoom ?? view.axis.span;
  const width = Math.max(80, widthPx - MARGIN.left - MARGIN.right);
  const height = Math.max(40, heightPx - MARGIN.top - MARGIN.bottom);
  const bins = countBins(view.matches.events, view.log.timesMs[view.clock], stack.groupOf, {
    span,
    zone: view.zone,
    groups: stack.groups.length,
  });
  return { left: MARGIN.left, top: MARGIN.top, width, height, span, bins, stack };
}

function drawPlot(view: View, plot: Plot): SVGSVGElement {
  const { bins } = plot;
  const [totalWidth, totalHeight] = [plot.left + plot.width + MARGIN.right, plot.top + plot.height + MARGIN.bottom];
  const most = bins.totals.reduce((a, b) => Math.max(a, b), 0);
  const lines = countTicks(most, 4);
  const ceiling = lines[lines.length - 1] || 1;
  const toY = (count: number): number => plot.top + plot.height * (1 - count / ceiling);
  const root = svg('svg', { width: totalWidth, height: totalHeight, viewBox: `0 0 ${totalWidth} ${totalHeight}`, role: 'img' });
  root.setAttribute('aria-label', describe(view, plot, most));
  for (const count of lines) {
    root.append(svg('line', { class: 'grid-line', x1: plot.left, x2: plot.left + plot.width, y1: toY(count), y2: toY(count) }));
    root.append(svg('text', { class: 'axis-text', x: plot.left - 8, y: toY(count) + 4, 'text-anchor': 'end' }, formatCount(count)));
  }
  root.append(svg('text', { class: 'axis-title', x: plot.left, y: 14 }, `events in ${formatStep(bins.stepMs)}`));
  drawTicks(root, view, plot);
  for (const bars of barPaths(plot, toY)) root.append(bars);
  drawMarkers(root, view, plot);
  drawPeak(root, view, plot, toY);
  return root;
}

function describe(view: View, plot: Plot, most: number): string {
  const [from, to] = [formatMinute(plot.span.fromMs, view.zone), formatMinute(plot.span.toMs, view.zone)];
  return `Events over time, ${from} to ${to} ${zoneName(view.zone)}: ${plural(view.matches.events.length, 'event')}, at most ${formatCount(most)} in ${formatStep(plot.bins.stepMs)}`;
}

function drawTicks(root: SVGSVGElement, view: View, plot: Plot): void {
  const { stepMs, atMs } = ticks(plot.span, Math.max(2, Math.floor(plot.width / TICK_SPACING_PX)), view.zone);
  const baseline = plot.top + plot.height;
  for (const ms of atMs) {
    const x = toX(plot, ms);
    root.append(svg('line', { class: 'tick-line', x1: x, x2: x, y1: baseline, y2: baseline + 4 }));
    const anchor = x > plot.left + plot.width - EDGE_PX ? 'end' : 'middle';
    root.append(svg('text', { class: 'axis-text', x, y: baseline + 17, 'text-anchor': anchor }, formatTick(ms, view.zone, stepMs)));
  }
}

/** One path per group: few elements however many bars. */
function barPaths(plot: Plot, toY: (count: number) => number): SVGPathElement[] {
  const { bins, stack } = plot;
  const paths = stack.groups.map(() => '');
  const pitch = toX(plot, bins.startMs + bins.stepMs) - toX(plot, bins.startMs);
  const gap = pitch >= GAP_FROM_PX ? 1 : 0;
  for (let bin = 0; bin < bins.length; bin++) {
    const x0 = Math.max(plot.left, toX(plot, bins.startMs + bin * bins.stepMs));
    const x1 = Math.min(plot.left + plot.width, toX(plot, bins.startMs + (bin + 1) * bins.stepMs));
    let below = 0;
    for (let group = 0; group < bins.groups; group++) {
      const count = bins.counts[bin * bins.groups + group];
      if (count === 0) continue;
      const [y0, y1] = [toY(below), toY(below + count)];
      // Half a pixel at least: a single fatal event among thousands must not vanish.
      const height = Math.max(0.75, y0 - y1);
      paths[group] +=
        `M${x0.toFixed(2)} ${(y0 - height).toFixed(2)}h${Math.max(0.75, x1 - x0 - gap).toFixed(2)}v${height.toFixed(2)}H${x0.toFixed(2)}z`;
      below += count;
    }
  }
  return paths.flatMap((d, group) => {
    if (d === '') return [];
    const path = svg('path', { class: 'bars', d });
    path.style.fill = stack.groups[group].color;
    return [path];
  });
}

function drawPeak(root: SVGSVGElement, view: View, plot: Plot, toY: (count: number) => number): void {
  const peak = findPeak(plot.bins);
  if (peak === undefined || peak.count === peak.median) return;
  const x = toX(plot, peak.atMs + peak.stepMs / 2);
  const y = toY(peak.count) - 5;
  const anchor = x > plot.left + plot.width - 90 ? 'end' : x < plot.left + 90 ? 'start' : 'middle';
  root.append(svg('path', { class: 'peak-mark', d: `M${x} ${y}l-4.5 -6h9z` }));
  const label = `${formatCount(peak.count)} · ${formatClock(peak.atMs, view.zone, peak.stepMs)}`;
  const dx = anchor === 'end' ? -9 : anchor === 'start' ? 9 : 0;
  root.append(svg('text', { class: 'peak-text', x: x + dx, y: anchor === 'middle' ? y - 9 : y, 'text-anchor': anchor }, label));
}

/** Ledger records that a responder should see beside the events: crashes, tampering, refused input, bundles. */
function drawMarkers(root: SVGSVGElement, view: View, plot: Plot): void {
  const times = view.log.timesMs[view.clock];
  let drawn = 0;
  for (const index of view.log.order[view.clock]) {
    const entry = view.log.entries[index];
    if (isEvent(entry) || isBookkeeping(entry) || !(times[index] >= plot.span.fromMs && times[index] <= plot.span.toMs)) continue;
    if (++drawn > MARKERS_MAX) return;
    const x = toX(plot, times[index]);
    const isAlarm = entry.type === LEAF_TYPES.tamper || entry.type === LEAF_TYPES.recovery;
    const title = svg('title', {}, `${entry.typeName}, ${formatStamp(times[index], view.zone)}: ${toVisible(entry.message)}`);
    const group = svg('g', { class: isAlarm ? 'marker alarm' : 'marker' }, title);
    group.append(svg('line', { x1: x, x2: x, y1: plot.top - 2, y2: plot.top + plot.height }));
    group.append(svg('path', { d: `M${x} ${plot.top - 9}l4.5 4.5l-4.5 4.5l-4.5 -4.5z` }));
    root.append(group);
  }
}
