import type { SendReport } from '../import/send-log.ts';
import { toSafeText } from './safe-text.ts';

/** A terminal shows this many faults; --json gives all that the sidecar listed. */
const FAULTS_SHOWN_MAX = 50;

/** What became of a file, in plain words. Hostile text in it is escaped. */
export function describeReport(report: SendReport): string {
  const name = toSafeText(report.file);
  const lines = [`${name}: ${headline(report)} (${report.format}${yearText(report)})`];
  if (report.alreadyPresent > 0) lines.push(`  ${count(report.alreadyPresent, 'line')} already present, not stored again`);
  if (report.presentOtherwise > 0) {
    lines.push(
      `  of these ${count(report.presentOtherwise, 'line')} imported before under another file name, year or zone; --again imports them anew`,
    );
  }
  if (report.first !== undefined && report.last !== undefined) lines.push(`  entries ${report.first} to ${report.last}`);
  if (report.refusal !== undefined) lines.push(...describeRefusal(report, report.refusal));
  return `${lines.join('\n')}\n`;
}

function headline(report: SendReport): string {
  const stored = report.notSent > 0 ? `${count(report.notSent, 'line')} would be sent` : `${count(report.stored, 'line')} stored`;
  if (report.end === 'complete') return stored;
  return `${stored}, then ${report.end} after line ${report.lastLine}`;
}

function yearText(report: SendReport): string {
  return report.inferredYear === undefined ? '' : `, year ${report.inferredYear} inferred`;
}

function describeRefusal(report: SendReport, refusal: NonNullable<SendReport['refusal']>): string[] {
  const shown = refusal.faults
    .slice(0, FAULTS_SHOWN_MAX)
    .map(({ line, field, reason }) => `  line ${line}${field === '' ? '' : `, ${toSafeText(field)}`}: ${toSafeText(reason)}`);
  const more = refusal.faultsTotal - shown.length;
  return [
    `  refused in the batch after line ${report.lastLine}: ${toSafeText(refusal.detail)}`,
    ...shown,
    ...(more > 0 ? [`  and ${count(more, 'fault')} more`] : []),
    report.notSent > 0
      ? '  nothing was sent'
      : `  nothing after line ${report.lastLine} is stored; correct the lines, then run the same command again`,
  ];
}

function count(number: number, noun: string): string {
  return `${number.toLocaleString('en-US')} ${noun}${number === 1 ? '' : 's'}`;
}
