import type { TheoremResult } from './results.ts';
import { LEDGER_FILES, type Verification } from './verify.ts';

/** docs/formats/proof-report.md describes it. */
export interface ProofReport {
  readonly format: typeof REPORT_FORMAT;
  readonly sourceHash: string;
  readonly lean: string;
  readonly isProved: boolean;
  readonly problems: readonly string[];
  readonly figures: Figures;
  readonly files: readonly {
    readonly path: string;
    readonly module: string;
    readonly elaborationMs: number;
    readonly isFromCache: boolean;
    readonly theorems: readonly ReportedTheorem[];
  }[];
}

/** Without what only the map needs. */
export type ReportedTheorem = Omit<TheoremResult, 'dependsOn'>;

export interface Figures {
  readonly theorems: number;
  /** Those that say what they prove in one English sentence. */
  readonly mainTheorems: number;
  readonly startMs: number;
  /** The sum over the files of the ledger, in one warm process. */
  readonly ledgerElaborationMs: number;
  readonly replayed: number;
  readonly replayMs: number;
  readonly auditMs: number;
  readonly totalMs: number;
}

export const REPORT_FORMAT = 'post-incident-proofs/proof-report/v1';

export function toReport(
  verification: Verification,
  problems: readonly string[],
  about: { readonly sourceHash: string; readonly lean: string; readonly startMs: number; readonly totalMs: number },
): ProofReport {
  const files = verification.files.map(({ file, result, isFresh }) => ({
    path: file.path,
    module: file.module,
    elaborationMs: Math.round(result.elaborationMs),
    isFromCache: !isFresh,
    theorems: (result.audit?.theorems ?? []).map(({ dependsOn: _, ...theorem }): ReportedTheorem => theorem),
  }));
  const theorems = files.flatMap((file) => file.theorems);
  const ledger = files.filter(({ module }) => LEDGER_FILES.test(module));
  return {
    format: REPORT_FORMAT,
    sourceHash: about.sourceHash,
    lean: about.lean,
    isProved: problems.length === 0,
    problems,
    figures: {
      theorems: theorems.length,
      mainTheorems: theorems.filter(({ sentence }) => sentence !== '').length,
      startMs: Math.round(about.startMs),
      ledgerElaborationMs: ledger.reduce((sum, { elaborationMs }) => sum + elaborationMs, 0),
      replayed: verification.replayed,
      replayMs: Math.round(verification.replayMs),
      auditMs: Math.round(verification.auditMs),
      totalMs: Math.round(about.totalMs),
    },
    files: files.toSorted((a, b) => (a.path < b.path ? -1 : 1)),
  };
}

/** For people: every main theorem with what it says, then the figures. */
export function toText(report: ProofReport): string {
  const lines: string[] = [];
  for (const { path, theorems, elaborationMs, isFromCache } of report.files) {
    const main = theorems.filter(({ sentence }) => sentence !== '');
    if (theorems.length === 0) continue;
    lines.push(`${path}  ${theorems.length} theorems, ${elaborationMs} ms${isFromCache ? ' when it was checked' : ''}`);
    for (const { name, sentence, axioms } of main)
      lines.push(`  ${name}\n    ${sentence.replaceAll('\n', ' ')}\n    axioms: ${axioms.length === 0 ? 'none' : axioms.join(', ')}`);
  }
  const { figures } = report;
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
  const checkedNow = report.files.filter(({ isFromCache }) => !isFromCache).length;
  lines.push(
    '',
    `Lean: ${report.lean}`,
    `theorems: ${figures.theorems}, ${figures.mainTheorems} of them main ones with a sentence`,
    `files: ${report.files.length}, ${checkedNow} checked now, ${report.files.length - checkedNow} unchanged since they were checked`,
    `start of Lean: ${seconds(figures.startMs)}`,
    `elaboration of the ledger files: ${seconds(figures.ledgerElaborationMs)} (target 3.0 s in a warm process)`,
    `audit: ${seconds(figures.auditMs)}; replay of ${figures.replayed} declarations: ${seconds(figures.replayMs)}`,
    `all: ${seconds(figures.totalMs)} (target 60 s from nothing, 3 s unchanged)`,
    `source hash: ${report.sourceHash}`,
    ...report.problems.map((problem) => `PROBLEM ${problem}`),
    report.isProved ? 'all proofs hold' : `${report.problems.length} problems`,
  );
  return `${lines.join('\n')}\n`;
}
