import { join } from 'node:path';
import type { Attack, ExpectedVerdict, Outcome } from '../../src/attack/attack.ts';
import { isThere } from '../../src/attack/disk.ts';
import { LedgerView } from '../../src/attack/ledger-view.ts';
import { verifyEvidence, type Evidence, type VerifierAnswer, type VerifierInput } from '../../src/cli/attack-verify.ts';
import { captureIo } from '../support/cli-io.ts';
import type { AttackState } from './attack-states.ts';

export const INPUTS: readonly VerifierInput[] = ['root', 'anchor', 'public'];

export type Answers = Readonly<Record<VerifierInput, VerifierAnswer>>;

export interface OfflineRun {
  readonly outcome: Outcome;
  readonly answers: Answers;
  /** The leaves that were there before, read again afterwards, are other leaves, or fewer. */
  readonly isChanged: boolean;
}

/** What `log verify` says to each of the three verifiers. */
export async function verifyThrice(evidence: Evidence): Promise<Answers> {
  const answers: Partial<Record<VerifierInput, VerifierAnswer>> = {};
  for (const input of INPUTS) answers[input] = await verifyEvidence(evidence, input, captureIo());
  const { root, anchor, public: alone } = answers;
  if (root === undefined || anchor === undefined || alone === undefined) throw new Error('a verifier had no key');
  return { root, anchor, public: alone };
}

/** Attacks a copy, then asks the three verifiers. */
export async function attackOffline(attack: Attack, state: AttackState, evidence: Evidence): Promise<OfflineRun> {
  const olderDir = attack.needs.includes('other-life') ? state.otherLifeDir : state.olderDir;
  const view = new LedgerView({ dataDir: evidence.dataDir, at: state.at, olderDir });
  const before = view.leaves().slice(0, view.acknowledged());
  const outcome = attack.apply(view);
  try {
    return { outcome, isChanged: !showsAtLeast(evidence.dataDir, before), answers: await verifyThrice(evidence) };
  } finally {
    outcome.undo?.();
  }
}

/** The oracle, which knows the format and nothing of the verifier: is every leaf that was acknowledged still shown as it was? */
function showsAtLeast(dataDir: string, before: readonly Buffer[]): boolean {
  if (!isThere(join(dataDir, 'ledger', 'segments'))) return false;
  const after = new LedgerView({ dataDir }).leaves();
  return before.every((leaf, seq) => after[seq]?.equals(leaf));
}

/** In a copy that was taken during appends the end is as unfinished as before the attack: there OK means no worse than that. */
export function isExpected(said: string, expected: ExpectedVerdict, unattacked: string): boolean {
  return said === expected || (expected.startsWith('OK_') && said === unattacked);
}

/** Does some finding that gives the verdict name leaves that were touched? */
export function namesThePlace(answer: VerifierAnswer, { leaves }: Outcome): boolean {
  if (leaves === undefined) return false;
  return answer.findings.some(({ verdict, place: { seqFirst, seqLast } }) => {
    if (verdict !== answer.verdict || seqFirst === undefined) return false;
    return seqFirst <= leaves.last && (seqLast ?? seqFirst) >= leaves.first;
  });
}
