import type { BundleReport, BundleStage } from '../verify/bundle-report.ts';
import type { Place } from '../verify/finding.ts';
import { toSafeText } from './safe-text.ts';

/** A screenful or two; --json has more. */
const FINDINGS_SHOWN_MAX = 40;

const MARKS: Readonly<Record<BundleStage['outcome'], string>> = { ok: '✓', failed: '✗', 'not-checked': '–' };

/** The report for a person: the verdict first, then every stage, what was found, and what was not checked. */
export function bundleReportText(report: BundleReport, paint: (text: string, isGood: boolean) => string): string {
  const { facts } = report;
  const isGood = report.verdict === 'OK_ANCHORED' || report.verdict === 'OK_UNANCHORED';
  const lines = [`${paint(report.verdict, isGood)}: ${report.meaning}`, ''];
  if (facts.from !== null) lines.push(`window  ${facts.from} to ${facts.to}, ${facts.entries} entries`);
  if (facts.verifierKey !== null) lines.push(`key     ${facts.verifierKey}`);
  lines.push(`sha256  ${facts.sha256} (${facts.bytes} bytes)`, '');
  const width = Math.max(...report.stages.map(({ title }) => title.length));
  for (const stage of report.stages) {
    const mark = stage.outcome === 'not-checked' ? MARKS[stage.outcome] : paint(MARKS[stage.outcome], stage.outcome === 'ok');
    lines.push(`${mark} ${stage.title.padEnd(width)}  ${stage.text}`);
  }
  if (report.findings.length > 0) lines.push('', `found (${report.findingsTotal})`);
  for (const { verdict, place, expected, found } of report.findings.slice(0, FINDINGS_SHOWN_MAX)) {
    lines.push(`  ${verdict} in ${placeText(place)}`, `    expected ${expected}`, `    found    ${found}`);
  }
  const hidden = report.findingsTotal - Math.min(report.findings.length, FINDINGS_SHOWN_MAX);
  if (hidden > 0) lines.push(`  … and ${hidden} more`);
  lines.push('', 'not checked', ...report.notChecked.map((text) => `  ${text}`));
  return `${lines.map((line) => toPaintedText(line)).join('\n')}\n`;
}

function placeText({ file, seqFirst, seqLast, byteOffset }: Place): string {
  const parts = [file];
  if (seqFirst !== undefined)
    parts.push(seqLast === undefined || seqLast === seqFirst ? `entry ${seqFirst}` : `entries ${seqFirst} to ${seqLast}`);
  if (byteOffset !== undefined) parts.push(`byte ${byteOffset}`);
  return parts.join(', ');
}

/** What stands in a bundle is hostile; only our own colours go through. */
function toPaintedText(line: string): string {
  // oxlint-disable-next-line no-control-regex -- the escape character of a colour is what is looked for
  const parts = line.split(/(\u001b\[(?:0|3[12];1)m)/u);
  return parts.map((part, i) => (i % 2 === 1 ? part : toSafeText(part))).join('');
}
