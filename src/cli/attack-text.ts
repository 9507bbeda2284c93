import { NEEDS, type Attack, type ExpectedVerdicts } from '../attack/attack.ts';
import type { VerifierAnswer } from './attack-verify.ts';

/** One verdict when all three agree, or else the three in the order root key / anchor / public key. */
export function verdictsText(verdicts: ExpectedVerdicts | Readonly<Record<keyof ExpectedVerdicts, string>>): string {
  const { root, anchor, public: alone } = verdicts;
  return root === anchor && anchor === alone ? root : `${root} / ${anchor} / ${alone}`;
}

export function needsText(attack: Attack): string {
  return attack.needs.map((need) => NEEDS[need]).join('; ');
}

/** Where the gravest finding lies. */
export function placeText(answer: VerifierAnswer | undefined): string {
  const finding = answer?.findings.find(({ verdict }) => verdict === answer.verdict);
  if (finding === undefined) return '';
  const { file, seqFirst, seqLast } = finding.place;
  const name = file.slice(file.lastIndexOf('/') + 1);
  if (seqFirst === undefined) return name;
  return `${name}, ${seqLast === undefined || seqLast === seqFirst ? `leaf ${seqFirst}` : `leaves ${seqFirst} to ${seqLast}`}`;
}
