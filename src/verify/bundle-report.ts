import { FindingList, type Finding, type Place } from './finding.ts';
import { toExitCode, VERDICT_MEANINGS, worstVerdict, type Allowances, type Verdict } from './verdict.ts';

/** Stages in the order in which they are done and shown. */
export const BUNDLE_STAGES = {
  archive: 'archive is sane',
  files: 'files match the manifest',
  signature: 'manifest is signed',
  key: 'key is the expected one',
  checkpoint: 'checkpoint is signed',
  entries: 'entries are intact',
  tree: 'entries lead to the root',
  window: 'window is complete',
  counts: 'counts are right',
  macs: 'keyed chain is unbroken',
  anchor: 'agrees with the anchor',
  spelling: 'one spelling',
} as const;

export type BundleStageName = keyof typeof BUNDLE_STAGES;

export interface BundleStage {
  readonly name: BundleStageName;
  readonly title: string;
  readonly outcome: 'ok' | 'failed' | 'not-checked';
  readonly text: string;
}

export interface BundleFacts {
  readonly bytes: number;
  readonly sha256: string;
  readonly origin: string | null;
  readonly ledgerId: string | null;
  readonly verifierKey: string | null;
  readonly from: string | null;
  readonly to: string | null;
  readonly entries: number | null;
  readonly checkpointSize: number | null;
  readonly macsChecked: number;
}

export interface BundleReport {
  readonly verdict: Verdict;
  readonly exitCode: number;
  readonly meaning: string;
  readonly facts: BundleFacts;
  readonly stages: readonly BundleStage[];
  readonly findings: readonly Finding[];
  /** How many there were, listed or not. */
  readonly findingsTotal: number;
  readonly notChecked: readonly string[];
}

/** Gathers what the stages say. A stage fails exactly when something was found during it. */
export class ReportBuilder {
  readonly findings = new FindingList();
  readonly notChecked: string[] = [];
  readonly #stages: BundleStage[] = [];
  #found = 0;
  #inStage = 0;

  found(verdict: Verdict, place: Place, expected: string, found: string): void {
    this.#inStage++;
    this.#found++;
    this.findings.add({ verdict, place, expected, found });
  }

  /** Nothing was found so far. */
  get isClean(): boolean {
    return this.#found === 0;
  }

  get hasStageFailed(): boolean {
    return this.#inStage > 0;
  }

  /** Closes a stage: `ok` is what it says when nothing was found. */
  close(name: BundleStageName, ok: string): void {
    const outcome = this.#inStage === 0 ? 'ok' : 'failed';
    const found = this.#inStage === 1 ? '1 fault found' : `${this.#inStage} faults found`;
    this.#stages.push({ name, title: BUNDLE_STAGES[name], outcome, text: outcome === 'ok' ? ok : found });
    this.#inStage = 0;
  }

  /** Closes a stage that could not be done, or of which nothing is known. */
  skip(name: BundleStageName, why: string): void {
    if (this.#inStage > 0) return this.close(name, '');
    this.#stages.push({ name, title: BUNDLE_STAGES[name], outcome: 'not-checked', text: why });
  }

  build(facts: BundleFacts, isAnchored: boolean, allow: Allowances): BundleReport {
    const good: Verdict = isAnchored ? 'OK_ANCHORED' : 'OK_UNANCHORED';
    const verdict = this.findings.worst === undefined ? good : worstVerdict(this.findings.worst);
    return {
      verdict,
      exitCode: toExitCode(verdict, allow),
      meaning: VERDICT_MEANINGS[verdict],
      facts,
      stages: this.#stages,
      findings: this.findings.listed,
      findingsTotal: this.findings.total,
      notChecked: this.notChecked,
    };
  }
}
