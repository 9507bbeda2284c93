import { spawnSync } from 'node:child_process';
import { AttackError } from './attack-error.ts';

/** A demonstration that takes longer hangs. */
const PROGRAM_MS_MAX = 60_000;

/** Runs a program to its end; throws `not-possible` when it is missing or refuses. */
export function runProgram(program: string, args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8', timeout: PROGRAM_MS_MAX });
  if (error !== undefined) throw new AttackError('not-possible', `"${program}" could not be run`, { cause: error });
  if (status !== 0) throw new AttackError('not-possible', `"${program}" said: ${stderr.trim().slice(-500)}`);
  return stdout;
}

/** Each script ends by printing CLOCK_MONOTONIC in ns, taken right after its last system call or store. */
const SCRIPTS = {
  /** path, offset, hex: a store through a shared mapping. */
  'mmap-store': `
import mmap, os, sys, time
path, at, data = sys.argv[1], int(sys.argv[2]), bytes.fromhex(sys.argv[3])
fd = os.open(path, os.O_RDWR)
view = mmap.mmap(fd, 0)
view[at:at + len(data)] = data
print(time.monotonic_ns())
`,
  /** path, offset, hex: the page is made dirty by an invisible store of what is there, time passes, then comes the real store. */
  'mmap-store-dirty': `
import mmap, os, sys, time
path, at, data = sys.argv[1], int(sys.argv[2]), bytes.fromhex(sys.argv[3])
fd = os.open(path, os.O_RDWR)
view = mmap.mmap(fd, 0)
view[at:at + len(data)] = view[at:at + len(data)]
time.sleep(0.5)
view[at:at + len(data)] = data
print(time.monotonic_ns())
`,
  /** path, mode, offset, length: fallocate(2), which Node does not have. */
  fallocate: `
import ctypes, os, sys, time
path, mode, at, length = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
libc = ctypes.CDLL(None, use_errno=True)
fd = os.open(path, os.O_RDWR)
done = libc.fallocate(fd, mode, ctypes.c_long(at), ctypes.c_long(length))
after = time.monotonic_ns()
if done != 0: sys.exit(os.strerror(ctypes.get_errno()))
print(after)
`,
  /** one path, other path: both names change their files in one step. */
  exchange: `
import ctypes, os, sys, time
libc = ctypes.CDLL(None, use_errno=True)
AT_FDCWD, RENAME_EXCHANGE = -100, 2
done = libc.renameat2(AT_FDCWD, os.fsencode(sys.argv[1]), AT_FDCWD, os.fsencode(sys.argv[2]), RENAME_EXCHANGE)
after = time.monotonic_ns()
if done != 0: sys.exit(os.strerror(ctypes.get_errno()))
print(after)
`,
} as const;

/** fallocate(2) modes: FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, and FALLOC_FL_COLLAPSE_RANGE. */
export const PUNCH_HOLE = 0x03;
export const COLLAPSE_RANGE = 0x08;

/** Runs one of the scripts; answers when its last call was done. */
export function runScript(name: keyof typeof SCRIPTS, ...args: readonly (string | number)[]): bigint {
  return BigInt(runProgram('python3', ['-c', SCRIPTS[name], ...args.map(String)]).trim());
}
