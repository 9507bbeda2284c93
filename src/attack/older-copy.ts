import { AttackError } from './attack-error.ts';
import { LedgerView } from './ledger-view.ts';

/** The older copy of the folder that the user gave. */
export function olderCopy(view: LedgerView, what = 'an older copy of the folder'): LedgerView {
  if (view.olderDir === undefined) throw new AttackError('not-possible', `it needs --older DIR: ${what}`);
  return new LedgerView({ dataDir: view.olderDir });
}
