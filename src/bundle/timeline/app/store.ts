import type { Envelope } from '../envelope.ts';
import type { Verdict } from './check.ts';
import { applyFilter, type Filter, type Matches, NO_FILTER } from './filter.ts';
import type { Clock, Dimension, LogIndex } from './log-index.ts';
import { chooseAxis, type Axis, type Span } from './time-axis.ts';
import type { Zone } from './time-format.ts';
import { isEvent } from './entry.ts';

export type StackBy = Exclude<Dimension, 'address'>;

export interface State {
  readonly filter: Filter;
  readonly zoom: Span | undefined;
  readonly clock: Clock;
  readonly zone: Zone;
  readonly stackBy: StackBy;
  /** Position in matches.rows; −1 = none. */
  readonly cursor: number;
  readonly isDetailOpen: boolean;
  readonly verdict: Verdict | undefined;
  /** 0 … 1 while the entries are being checked. */
  readonly checkedShare: number;
}

export interface View extends State {
  readonly log: LogIndex;
  readonly envelope: Envelope;
  readonly window: Span;
  /** The axis without zoom, by the current clock. */
  readonly axis: Axis;
  readonly matches: Matches;
}

type Listener = (view: View, before: View | undefined) => void;

/** The page's one state. Views subscribe and compare with the view before to see what concerns them. */
export class Store {
  #view: View;
  readonly #listeners: Listener[] = [];

  constructor(log: LogIndex, envelope: Envelope) {
    const window = { fromMs: Date.parse(envelope.head.from), toMs: Date.parse(envelope.head.to) };
    const clock: Clock = log.timedCount > 0 ? 'event' : 'received';
    this.#view = {
      log,
      envelope,
      window,
      clock,
      axis: axisOf(log, clock, window),
      filter: NO_FILTER,
      zoom: undefined,
      zone: 'utc',
      stackBy: chooseStack(log),
      cursor: -1,
      isDetailOpen: false,
      verdict: undefined,
      checkedShare: 0,
      matches: applyFilter(log, NO_FILTER, clock, undefined),
    };
  }

  get view(): View {
    return this.#view;
  }

  subscribe(listener: Listener): void {
    this.#listeners.push(listener);
    listener(this.#view, undefined);
  }

  update(patch: Partial<State>): void {
    const before = this.#view;
    const next = { ...before, ...patch };
    if (next.clock !== before.clock) {
      // A zoom by one clock means nothing by the other.
      next.zoom = undefined;
      next.axis = axisOf(next.log, next.clock, next.window);
    }
    if (next.filter !== before.filter || next.zoom !== before.zoom || next.clock !== before.clock) {
      next.matches = applyFilter(next.log, next.filter, next.clock, next.zoom);
      next.cursor = keepCursor(before, next.matches.rows);
      if (next.cursor < 0) next.isDetailOpen = false;
    }
    this.#view = next;
    for (const listener of this.#listeners) listener(next, before);
  }

  filterBy(patch: Partial<Filter>): void {
    this.update({ filter: { ...this.#view.filter, ...patch } });
  }

  /** Picks one value of a dimension; the same value again, or undefined, clears it. */
  pick(dimension: Dimension, name: string | undefined): void {
    const picks = new Map(this.#view.filter.picks);
    if (name === undefined || picks.get(dimension) === name) picks.delete(dimension);
    else picks.set(dimension, name);
    this.filterBy({ picks });
  }

  toggleLevel(level: number): void {
    const levels = new Set(this.#view.filter.levels);
    if (!levels.delete(level)) levels.add(level);
    this.filterBy({ levels });
  }
}

/** The selected entry stays selected as long as it is listed. */
function keepCursor(before: View, rows: Uint32Array): number {
  return before.cursor < 0 ? -1 : rows.indexOf(before.matches.rows[before.cursor]);
}

function axisOf(log: LogIndex, clock: Clock, window: Span): Axis {
  const times = log.timesMs[clock];
  return chooseAxis(
    Float64Array.from(
      log.order[clock].filter((index) => isEvent(log.entries[index])),
      (index) => times[index],
    ),
    window,
  );
}

/** Levels when they tell events apart; otherwise the kinds of messages, so that the colours mean something. */
function chooseStack(log: LogIndex): StackBy {
  const levels = new Set(log.entries.filter(isEvent).map((entry) => entry.level));
  return levels.size > 1 ? 'level' : 'pattern';
}
