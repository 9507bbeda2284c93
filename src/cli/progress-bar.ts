import { toSafeText } from './safe-text.ts';

/** On a terminal the bar is redrawn at most this often … */
const REDRAW_MS = 100;
/** … and in a file or a pipe a line is written this often. */
const PLAIN_MS = 5000;
const BAR_CELLS = 24;
const LABEL_CHARS_MAX = 30;
const COLUMNS_OTHERWISE = 120;

export interface ProgressBar {
  /** `total` is undefined when the end cannot be known. */
  update(done: number, total: number | undefined, lines: number): void;
  /** Removes the bar. */
  finish(): void;
}

/** Progress of a long file: share, lines per second and the time left, on stderr. */
export function createProgressBar(
  stderr: NodeJS.WritableStream,
  isTerminal: boolean,
  label: string,
  nowMs: () => number = () => performance.now(),
  unit = 'lines',
): ProgressBar {
  const startMs = nowMs();
  let drawnMs = isTerminal ? Number.NEGATIVE_INFINITY : startMs;
  let isDrawn = false;
  const name = toSafeText(label).slice(-LABEL_CHARS_MAX);
  return {
    update(done, total, lines) {
      const now = nowMs();
      if (now - drawnMs < (isTerminal ? REDRAW_MS : PLAIN_MS)) return;
      drawnMs = now;
      const text = `${name}  ${progressText(done, total, { count: lines, unit }, (now - startMs) / 1000)}`;
      stderr.write(isTerminal ? `\r\x1b[K${text.slice(0, columnsOf(stderr) - 1)}` : `${text}\n`);
      isDrawn = isTerminal;
    },
    finish() {
      if (isDrawn) stderr.write('\r\x1b[K');
      isDrawn = false;
    },
  };
}

/** A bar that wraps could not be removed again. */
function columnsOf(stream: NodeJS.WritableStream): number {
  return 'columns' in stream && typeof stream.columns === 'number' && stream.columns > 0 ? stream.columns : COLUMNS_OTHERWISE;
}

function progressText(done: number, total: number | undefined, things: { count: number; unit: string }, seconds: number): string {
  const rate = seconds > 0 ? `${Math.round(things.count / seconds).toLocaleString('en-US')} ${things.unit}/s` : '';
  const count = `${things.count.toLocaleString('en-US')} ${things.unit}`;
  if (total === undefined || total === 0) return [count, toMegabytes(done), rate].join('  ');
  const share = Math.min(1, done / total);
  const cells = Math.round(share * BAR_CELLS);
  const bar = `[${'#'.repeat(cells)}${'-'.repeat(BAR_CELLS - cells)}] ${String(Math.floor(share * 100)).padStart(3)} %`;
  const left = share > 0 && seconds > 0 ? `${toDuration((seconds / share) * (1 - share))} left` : '';
  return [bar, count, `${toMegabytes(done)} of ${toMegabytes(total)}`, rate, left].join('  ');
}

function toMegabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

function toDuration(seconds: number): string {
  const whole = Math.ceil(seconds);
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return h > 0 ? `${h} h ${m} min` : m > 0 ? `${m} min ${s} s` : `${s} s`;
}
