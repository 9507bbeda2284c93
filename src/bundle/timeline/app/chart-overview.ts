import { countBins } from './bins.ts';
import { byId, svg } from './dom.ts';
import type { View } from './store.ts';

const HEIGHT = 26;
const LEFT = 52;
const RIGHT = 14;

/** While zoomed: the whole axis in small, with the shown part lit, so that nobody forgets what is out of sight. */
export function drawOverview(view: View): void {
  const host = byId('overview');
  host.hidden = view.zoom === undefined;
  host.replaceChildren();
  const { zoom, axis } = view;
  if (zoom === undefined) return;
  const width = Math.max(80, host.clientWidth - LEFT - RIGHT);
  const groupOf = new Uint8Array(view.log.entries.length);
  const bins = countBins(view.matches.everywhere, view.log.timesMs[view.clock], groupOf, {
    span: axis.span,
    zone: view.zone,
    groups: 1,
  });
  const most = bins.totals.reduce((a, b) => Math.max(a, b), 1);
  const toX = (ms: number): number =>
    LEFT + Math.min(1, Math.max(0, (ms - axis.span.fromMs) / (axis.span.toMs - axis.span.fromMs))) * width;
  let d = '';
  for (let bin = 0; bin < bins.length; bin++) {
    const x0 = toX(bins.startMs + bin * bins.stepMs);
    const height = (bins.totals[bin] / most) * (HEIGHT - 4);
    if (height > 0)
      d += `M${x0.toFixed(1)} ${HEIGHT}v${(-height).toFixed(1)}H${toX(bins.startMs + (bin + 1) * bins.stepMs).toFixed(1)}V${HEIGHT}z`;
  }
  const shown = { x: toX(zoom.fromMs), width: Math.max(2, toX(zoom.toMs) - toX(zoom.fromMs)) };
  const root = svg('svg', { width: LEFT + width + RIGHT, height: HEIGHT, 'aria-hidden': 'true' });
  root.append(
    svg('path', { class: 'overview-bars', d }),
    svg('rect', { class: 'overview-shown', ...shown, y: 0.5, height: HEIGHT - 1, rx: 2 }),
  );
  host.append(root);
}
