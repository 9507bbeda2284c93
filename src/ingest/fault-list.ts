import { FAULTS_MAX, QUOTED_CHARS_MAX } from './limits.ts';

/** One reason why a line or element was refused. */
export interface Fault {
  /** 1-based line of NDJSON, 1-based element of a JSON array, 1 for a single event. */
  readonly line: number;
  /** Path as the producer wrote it, like `attributes.user.name` or `tags[2]`; '' for the whole line. */
  readonly field: string;
  readonly reason: string;
}

/** Gathers every fault of a request: all are counted, the first FAULTS_MAX are kept. */
export class FaultList {
  readonly kept: Fault[] = [];
  total = 0;

  /** True when a further fault would only be counted, so that nobody builds texts for it. */
  get isFull(): boolean {
    return this.kept.length >= FAULTS_MAX;
  }

  add(line: number, field: string, reason: string): void {
    if (!this.isFull) this.kept.push({ line, field, reason });
    this.total++;
  }

  /** Takes back all faults after the first `total`: those of a line that turned out not to be readable at all. */
  cutTo(total: number): void {
    this.total = total;
    if (this.kept.length > total) this.kept.length = total;
  }
}

/** Controls, invisible formatting (bidirectional overrides) and line separators: they could disguise what a terminal shows. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** A producer's text, given in canonical JSON escapes, made safe to repeat: nothing invisible, at most QUOTED_CHARS_MAX characters. */
export function toQuotable(canonical: string): string {
  const safe = canonical.replace(UNSAFE, (char) => {
    const short = JSON.stringify(char).slice(1, -1);
    return short === char ? toEscapes(char) : short;
  });
  const chars = Array.from(safe);
  return chars.length <= QUOTED_CHARS_MAX ? safe : `${chars.slice(0, QUOTED_CHARS_MAX - 1).join('')}…`;
}

function toEscapes(char: string): string {
  let out = '';
  for (let i = 0; i < char.length; i++) out += `\\u${char.charCodeAt(i).toString(16).padStart(4, '0')}`;
  return out;
}
