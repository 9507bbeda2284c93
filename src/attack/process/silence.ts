import { AttackError } from '../attack-error.ts';
import { INTACT, type Attack } from '../attack.ts';
import type { LedgerView } from '../ledger-view.ts';
import { runProgram } from '../native.ts';

const SEEN_BY = 'a silent process cannot report itself: its peers and Prometheus see that it no longer answers';

function pidOf(view: LedgerView): string {
  if (view.pid === undefined) throw new AttackError('not-possible', 'it needs --pid PID: the process of a running sidecar');
  return String(view.pid);
}

export const silenceStop: Attack = {
  name: 'silence-stop',
  summary: 'the sidecar is stopped with SIGSTOP: it can neither record nor detect',
  needs: ['sidecar'],
  isHarmful: false,
  expected: INTACT,
  isLocated: false,
  live: { exempt: SEEN_BY },
  apply(view) {
    const pid = pidOf(view);
    runProgram('kill', ['-STOP', pid]);
    return {
      leaves: undefined,
      note: `stopped process ${pid}; kill -CONT lets it go on`,
      undo: () => void runProgram('kill', ['-CONT', pid]),
    };
  },
};

export const silenceKill: Attack = {
  name: 'silence-kill',
  summary: 'the sidecar is killed: it can neither record nor detect',
  needs: ['sidecar'],
  isHarmful: false,
  expected: INTACT,
  isLocated: false,
  live: { exempt: SEEN_BY },
  apply(view) {
    const pid = pidOf(view);
    runProgram('kill', ['-KILL', pid]);
    return { leaves: undefined, note: `killed process ${pid}` };
  },
};
