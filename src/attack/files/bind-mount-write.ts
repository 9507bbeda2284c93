import { TAMPERED, type Attack } from '../attack.ts';
import { otherLetter } from '../leaf-text.ts';
import { runProgram } from '../native.ts';

/** In a mount namespace of its own, so that nothing is left behind. */
const SCRIPT = `
import os, subprocess, sys, tempfile, time
folder, name, at, data = sys.argv[1], sys.argv[2], int(sys.argv[3]), bytes.fromhex(sys.argv[4])
elsewhere = tempfile.mkdtemp()
subprocess.run(['mount', '--bind', folder, elsewhere], check=True)
fd = os.open(os.path.join(elsewhere, name), os.O_RDWR)
os.pwrite(fd, data, at)
after = time.monotonic_ns()
os.close(fd)
subprocess.run(['umount', elsewhere], check=True)
os.rmdir(elsewhere)
print(after)
`;

export const bindMountWrite: Attack = {
  name: 'bind-mount-write',
  summary: 'an event is edited through a bind mount that only the intruder’s own mount namespace has',
  needs: ['superuser', 'python3'],
  isHarmful: true,
  expected: TAMPERED,
  isLocated: true,
  live: 'detected',
  apply(view) {
    const { seq, path, frame, messageAt } = view.victim();
    const letter = otherLetter(frame.leaf[messageAt - frame.at - 2]).toString('hex');
    const [folder, name] = [view.path('segments'), path.slice(path.lastIndexOf('/') + 1)];
    const doneNs = BigInt(runProgram('unshare', ['--mount', 'python3', '-c', SCRIPT, folder, name, `${messageAt}`, letter]).trim());
    return { leaves: { first: seq, last: seq }, note: `changed one letter of leaf ${seq} through a bind mount`, doneNs };
  },
};
