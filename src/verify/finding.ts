import { VERDICT_EXIT_CODES, type Verdict } from './verdict.ts';

/** Where something was found. Leaf numbers are inclusive at both ends. */
export interface Place {
  /** Path below DATA_DIR. */
  readonly file: string;
  readonly seqFirst?: number;
  readonly seqLast?: number;
  /** Offset in the file of the first byte concerned. */
  readonly byteOffset?: number;
}

export interface Finding {
  /** WARNING: worth knowing, changes no verdict. */
  readonly verdict: Verdict | 'WARNING';
  readonly place: Place;
  readonly expected: string;
  readonly found: string;
}

/** A person reads tens of them, a program perhaps hundreds; a wholly rewritten ledger would give millions. */
export const FINDINGS_LISTED_MAX = 1000;

/** Collects findings in bounded memory: the same damage on neighbouring leaves is one range, and what exceeds the bound is counted. */
export class FindingList {
  readonly #listed: Finding[] = [];
  #total = 0;
  #worst: Verdict | undefined;

  /** The same findings in a list of its own. */
  copy(): FindingList {
    const copy = new FindingList();
    copy.#listed.push(...this.#listed);
    copy.#total = this.#total;
    copy.#worst = this.#worst;
    return copy;
  }

  add(finding: Finding): void {
    const { verdict } = finding;
    if (verdict !== 'WARNING' && (this.#worst === undefined || VERDICT_EXIT_CODES[verdict] > VERDICT_EXIT_CODES[this.#worst])) {
      this.#worst = verdict;
    }
    if (this.#extendsLast(finding)) return;
    this.#total++;
    if (this.#listed.length < FINDINGS_LISTED_MAX) this.#listed.push(finding);
  }

  /** Says more about the last finding once the leaf after it has been seen. */
  refineLast(expected: string, found: string): void {
    const last = this.#listed.at(-1);
    if (last !== undefined && this.#total === this.#listed.length) this.#listed[this.#listed.length - 1] = { ...last, expected, found };
  }

  get listed(): readonly Finding[] {
    return this.#listed;
  }

  /** How many there were, listed or not. */
  get total(): number {
    return this.#total;
  }

  /** The verdict of the gravest, counted over all. */
  get worst(): Verdict | undefined {
    return this.#worst;
  }

  #extendsLast(finding: Finding): boolean {
    const last = this.#listed.at(-1);
    if (last === undefined || this.#total !== this.#listed.length) return false;
    const { seqFirst } = finding.place;
    const isNext = seqFirst !== undefined && last.place.seqLast !== undefined && last.place.seqLast + 1 === seqFirst;
    const isSame =
      last.verdict === finding.verdict &&
      last.place.file === finding.place.file &&
      last.expected === finding.expected &&
      last.found === finding.found;
    if (!isNext || !isSame) return false;
    this.#listed[this.#listed.length - 1] = { ...last, place: { ...last.place, seqLast: finding.place.seqLast ?? seqFirst } };
    return true;
  }
}
