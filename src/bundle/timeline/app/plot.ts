import type { Bins } from './bins.ts';
import type { Stack } from './palette.ts';
import type { Span } from './time-axis.ts';

/** What is drawn and where, px within the chart. */
export interface Plot {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly span: Span;
  readonly bins: Bins;
  readonly stack: Stack;
}

export function toX(plot: Plot, ms: number): number {
  return plot.left + ((ms - plot.span.fromMs) / (plot.span.toMs - plot.span.fromMs)) * plot.width;
}

export function toMs(plot: Plot, x: number): number {
  const share = Math.min(1, Math.max(0, (x - plot.left) / plot.width));
  return plot.span.fromMs + share * (plot.span.toMs - plot.span.fromMs);
}
