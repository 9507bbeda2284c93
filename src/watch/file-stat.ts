/** What one look at a name says about the file behind it. Times are ms since the epoch, as precise as a double (0.25 µs). */
export interface FileStat {
  readonly dev: number;
  readonly ino: number;
  readonly size: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  readonly birthtimeMs: number;
  readonly nlink: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly type: 'file' | 'directory' | 'other';
}

/** The birth time tells a new file apart that was given the number of a deleted one. */
export function isSameInode(a: FileStat, b: FileStat): boolean {
  return a.dev === b.dev && a.ino === b.ino && a.birthtimeMs === b.birthtimeMs && a.type === b.type;
}

/** True when nothing happened to the file between two looks: nobody but the clock of the machine can set ctime. */
export function isUntouched(a: FileStat, b: FileStat): boolean {
  return a.ctimeMs === b.ctimeMs && a.mtimeMs === b.mtimeMs && a.size === b.size && a.nlink === b.nlink && isSameInode(a, b);
}

/** Older kernels stamp changes with the time of the last timer tick (up to 10 ms old): two changes may carry one stamp. */
const STAMP_MS_MAX = 20;

/** True when a later change would carry another time, so that an equal stat proves that there was none. */
export function isSettled(stat: FileStat, nowMs: number): boolean {
  return Math.abs(nowMs - stat.ctimeMs) > STAMP_MS_MAX;
}

/** What differs between two looks, for a report. */
export function describeChange(before: FileStat, after: FileStat): string {
  const parts: string[] = [];
  const note = (name: string, a: number | string, b: number | string): void => void (a !== b && parts.push(`${name} ${a} → ${b}`));
  note('type', before.type, after.type);
  note('device', before.dev, after.dev);
  note('inode', before.ino, after.ino);
  note('size', before.size, after.size);
  note('mode', before.mode.toString(8), after.mode.toString(8));
  note('owner', `${before.uid}:${before.gid}`, `${after.uid}:${after.gid}`);
  note('links', before.nlink, after.nlink);
  note('mtime', stamp(before.mtimeMs), stamp(after.mtimeMs));
  note('ctime', stamp(before.ctimeMs), stamp(after.ctimeMs));
  return parts.join(', ');
}

function stamp(ms: number): string {
  return Number.isFinite(ms) && Math.abs(ms) < 8.64e15 ? new Date(ms).toISOString() : String(ms);
}
