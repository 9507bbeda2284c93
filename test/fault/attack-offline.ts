import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Attack, ExpectedVerdict, ExpectedVerdicts, Outcome } from '../../src/attack/attack.ts';
import { isThere } from '../../src/attack/disk.ts';
import { splitFrames } from '../../src/attack/frames.ts';
import { LedgerView } from '../../src/attack/ledger-view.ts';
import { verifyEvidence, type Evidence, type VerifierAnswer, type VerifierInput } from '../../src/cli/attack-verify.ts';
import { captureIo } from '../support/cli-io.ts';
import { anchorSize, type AttackState } from './attack-states.ts';

export const INPUTS: readonly VerifierInput[] = ['root', 'anchor', 'public'];

export type Answers = Readonly<Record<VerifierInput, VerifierAnswer>>;

export interface OfflineRun {
  readonly outcome: Outcome;
  readonly answers: Answers;
  /** The leaves that were there before, read again afterwards, are other leaves, or fewer. */
  readonly isChanged: boolean;
  readonly expected: ExpectedVerdicts;
}

/** What `log verify` says to each of the three verifiers. */
export async function verifyThrice(evidence: Evidence, on?: Attack['on']): Promise<Answers> {
  // Side by side: where a writer might still be at work, each waits a moment for it.
  const [root, anchor, alone] = await Promise.all(INPUTS.map((input) => verifyEvidence(evidence, on, input, captureIo())));
  if (root === undefined || anchor === undefined || alone === undefined) throw new Error('a verifier had no key');
  return { root, anchor, public: alone };
}

/** Attacks a copy, then asks the three verifiers. */
export async function attackOffline(attack: Attack, state: AttackState, evidence: Evidence): Promise<OfflineRun> {
  const olderDir = attack.needs.includes('other-life') ? state.otherLifeDir : state.olderDir;
  const view = new LedgerView({ dataDir: evidence.dataDir, at: state.at, olderDir, archiveDir: evidence.archive?.dir });
  const before = shown(evidence, attack.on).slice(0, attack.on === undefined ? view.acknowledged() : undefined);
  const outcome = attack.apply(view);
  try {
    const after = shown(evidence, attack.on);
    const expected = expectedOf(attack, outcome, after.length, anchorSize(evidence.anchorFile));
    return { outcome, isChanged: !showsAtLeast(after, before), expected, answers: await verifyThrice(evidence, attack.on) };
  } finally {
    outcome.undo?.();
  }
}

/**
 * The catalogue speaks of an anchor of the very end. A copy that was taken during appends goes on behind its anchor: what was rewritten
 * and still reaches it is no older state but another one.
 */
function expectedOf({ expected }: Attack, { leaves }: Outcome, size: number, anchored: number): ExpectedVerdicts {
  const isRewritten = leaves !== undefined && leaves.first < anchored && size >= anchored;
  return expected.anchor === 'ROLLED_BACK' && isRewritten ? { ...expected, anchor: 'FORKED' } : expected;
}

/** The entries that a reader of the folder, or of the archive, is shown. */
function shown({ dataDir, archive }: Evidence, on: Attack['on']): Buffer[] {
  if (on === 'archive') {
    const tiles = readdirSync(join(archive?.dir ?? '', 'tile', 'entries'), { recursive: true, withFileTypes: true });
    const paths = tiles.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
    return paths.toSorted().flatMap((path) => splitFrames(readFileSync(path)).map(({ leaf }) => leaf));
  }
  return isThere(join(dataDir, 'ledger', 'segments')) ? new LedgerView({ dataDir }).leaves() : [];
}

/** The oracle, which knows the format and nothing of the verifier: is every leaf that was acknowledged still shown as it was? */
function showsAtLeast(after: readonly Buffer[], before: readonly Buffer[]): boolean {
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
