import type { Finding, Place } from './finding.ts';
import type { LedgerReport } from './ledger-report.ts';
import { VERDICT_MEANINGS } from './verdict.ts';

/** A screenful or two; --json has all of them. */
const FINDINGS_SHOWN_MAX = 40;

/** The report for a person: the verdict in plain words first, then what was checked, where it is wrong, and what was not checked. */
export function formatLedgerReport(report: LedgerReport, paint: (text: string, isGood: boolean) => string): string {
  const { facts } = report;
  const isGood = report.verdict === 'OK_ANCHORED' || report.verdict === 'OK_UNANCHORED';
  const lines = [`${paint(report.verdict, isGood)}: ${VERDICT_MEANINGS[report.verdict]}`, '', 'checked'];
  const types = Object.entries(facts.leavesByType).map(([name, count]) => `${count} ${name}`);
  lines.push(`  ledger      ${facts.ledgerId ?? 'unreadable'} of ${facts.origin ?? 'unknown origin'}`);
  lines.push(
    `  leaves      ${facts.size} in ${facts.segments} segment${facts.segments === 1 ? '' : 's'}${types.length > 0 ? ` (${types.join(', ')})` : ''}`,
  );
  if (facts.pruned > 0) lines.push(`  pruned      ${facts.pruned} of the leaves, by their hashes`);
  lines.push(`  time        ${facts.firstTime ?? 'none'} to ${facts.lastTime ?? 'none'}`);
  lines.push(`  MACs        ${typeof facts.macsChecked === 'number' ? `${facts.macsChecked} checked` : `none: ${facts.macsChecked}`}`);
  lines.push(`  root        ${facts.root ?? 'not computed'}`);
  lines.push(
    `  checkpoint  ${facts.checkpointSize === null ? 'none that is signed' : `signed, covers ${facts.checkpointSize} of ${facts.size} leaves`}`,
  );
  lines.push(
    `  watermark   ${facts.watermark === null ? 'none that is good' : `${facts.watermark.size} leaves acknowledged, ${facts.watermark.slotsGood} good slots`}`,
  );
  if (facts.signatures !== null) {
    const by = facts.witnesses.length === 0 ? '' : ` (${facts.witnesses.map((name) => printable(name)).join(', ')})`;
    lines.push(`  signatures: ${facts.signatures}${by}`);
  }
  if (facts.epochs !== null) {
    const end = facts.isFinallySealed ? '; the last leaf is the final seal of a clean stop' : '';
    lines.push(`  epochs      ${facts.epochs.sealedLeaves} of ${facts.size} leaves sealed, epoch ${facts.epochs.running} is running${end}`);
  }
  if (facts.anchoredTo !== null) lines.push(`  anchor      anchored to ${facts.anchoredTo} of ${facts.size} entries`);
  if (facts.isBeingWritten) lines.push('  writer      at work: what lies beyond the watermark belongs to a request in flight');
  if (report.findings.length > 0) lines.push('', `found (${report.findingsTotal})`);
  for (const finding of report.findings.slice(0, FINDINGS_SHOWN_MAX)) lines.push(...formatFinding(finding));
  const hidden = report.findingsTotal - Math.min(report.findings.length, FINDINGS_SHOWN_MAX);
  if (hidden > 0) lines.push(`  … and ${hidden} more (--json lists up to 1000)`);
  lines.push('', 'not checked', ...report.notChecked.map((text) => `  ${text}`), '');
  return lines.join('\n');
}

function formatFinding(finding: Finding): string[] {
  return [
    `  ${finding.verdict} at ${formatPlace(finding.place)}`,
    `    expected ${printable(finding.expected)}`,
    `    found    ${printable(finding.found)}`,
  ];
}

function formatPlace({ file, seqFirst, seqLast, byteOffset }: Place): string {
  const parts = [printable(file)];
  if (seqFirst !== undefined)
    parts.push(seqLast === undefined || seqLast === seqFirst ? `leaf ${seqFirst}` : `leaves ${seqFirst} to ${seqLast}`);
  if (byteOffset !== undefined) parts.push(`byte ${byteOffset}`);
  return parts.join(', ');
}

/** File names and note text are hostile: nothing in them may drive the terminal. */
function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\u{FFFD}');
}
