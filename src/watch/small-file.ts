import { isGone, isUnreadable, lookAt, OpenFile, readFully } from './disk.ts';
import type { ExpectedFile } from './expected-file.ts';
import { describeChange, isSameInode, isSettled, isUntouched, type FileStat } from './file-stat.ts';
import { byteRange, type Finding } from './finding.ts';
import { digestBytes } from './spans.ts';

/** Notes, keys and the watermark have at most 16 KiB; of anything longer the first bytes are enough to see that it is not ours. */
const FILE_BYTES_MAX = 64 * 1024;
const buffer = Buffer.allocUnsafeSlow(FILE_BYTES_MAX + 1);

/** Reads of a file that is being rewritten in place may catch it half-way; a change that stays is none of those. */
const READS_MAX = 3;

/** A file whose stat shows no change is read all the same at one look of so many, once a second. */
const READ_LOOKS = 25;

export interface SmallFileRules {
  /** Rewritten by the writer in steps it announces; undefined: never changed while the sidecar runs. */
  readonly expected?: ExpectedFile;
  /** The writer replaces the file instead of rewriting it, so another inode is no finding. */
  readonly isReplaced?: boolean;
  /** An operator may move it away (the verification key). */
  readonly mayLeave?: boolean;
}

interface Known {
  readonly stat: FileStat;
  readonly digest: string;
  /** A later change would show in the stat. */
  readonly isSettled: boolean;
}

interface Judgement {
  readonly finding: Finding | undefined;
  /** What to compare the next look with. */
  readonly known: Known | undefined;
}

type Read = Known | { readonly error: unknown } | undefined;

/** A file that is small enough to be read several times a second. */
export class SmallFile {
  readonly name: string;
  readonly #path: string;
  readonly #rules: SmallFileRules;
  readonly #drain: () => void;
  #known: Known | undefined;
  #looks = 0;
  /** Kind of the finding that is still true: told once. */
  #told: Finding['kind'] | undefined;

  /** `drain` takes in what has been announced up to now. A file that is not there yet is not watched. */
  constructor(name: string, path: string, rules: SmallFileRules, drain: () => void) {
    this.name = name;
    this.#path = path;
    this.#rules = rules;
    this.#drain = drain;
  }

  /** True when the writer has just announced a change: an event of the file system is probably its own. */
  get wasAnnounced(): boolean {
    return this.#rules.expected?.wasAnnounced ?? false;
  }

  look(): Finding | undefined {
    this.#looks++;
    for (let reads = 1; ; reads++) {
      const { finding, known } = this.#judge();
      if (finding !== undefined && reads < READS_MAX) continue;
      this.#known = known;
      const isNew = finding?.kind !== this.#told;
      this.#told = finding?.kind;
      return isNew ? finding : undefined;
    }
  }

  #judge(): Judgement {
    const { expected, isReplaced, mayLeave } = this.#rules;
    this.#drain();
    expected?.before();
    const read = this.#read();
    this.#drain();
    const known = this.#known;
    if (read === undefined) {
      const isMissing = known !== undefined && mayLeave !== true;
      return {
        known,
        finding: isMissing ? found('missing', 0, known.stat.size, `the file of ${known.stat.size} bytes is gone`) : undefined,
      };
    }
    if ('error' in read) return { known, finding: found('metadata', 0, 0, `it cannot be read: ${String(read.error)}`) };
    const change = known === undefined ? '' : describeChange(known.stat, read.stat);
    if (read.stat.type !== 'file') return { known, finding: found('replaced', 0, 0, `no file any more: ${change}`) };
    const isFirst = known === undefined && (expected?.isUnknown ?? true);
    if (isFirst) expected?.adopt(read.digest);
    const isGood = isFirst || (expected === undefined ? read.digest === known?.digest : expected.matches(read.digest));
    const isOther = isReplaced !== true && known !== undefined && !isSameInode(known.stat, read.stat);
    if (isGood)
      return { known: read, finding: isOther ? found('replaced', 0, 0, `another file with the same content: ${change}`) : undefined };
    const digest = Buffer.from(read.digest, 'latin1').toString('hex');
    const evidence = `the content is not what was written; its SHA-256 is ${digest}; ${change}`;
    const [before, now] = [known?.stat.size ?? read.stat.size, read.stat.size];
    const [kind, from, to] =
      now < before
        ? (['truncated', now, before] as const)
        : now > before
          ? (['extended', before, now] as const)
          : (['content', 0, now] as const);
    // What nobody announces stays as it is until somebody changes it again: that is to be told again.
    return { known: expected === undefined ? read : known, finding: found(kind, from, to, evidence) };
  }

  #read(): Read {
    const stat = lookAt(this.#path);
    if (stat === undefined) return undefined;
    if (stat.type !== 'file') return { stat, digest: '', isSettled: false };
    const known = this.#known;
    if (known?.isSettled === true && isUntouched(known.stat, stat) && this.#looks % READ_LOOKS !== 0) return known;
    try {
      using file = new OpenFile(this.#path);
      // Before the content: a change in between shows at the next look.
      const before = file.stat();
      const count = readFully(file, buffer, 0, FILE_BYTES_MAX + 1, 0);
      const content = buffer.subarray(0, count);
      const digest = digestBytes(content);
      // Keys are among these files, and those of past epochs must not lie about in memory.
      content.fill(0);
      return { stat: before, digest, isSettled: isSettled(before, Date.now()) };
    } catch (error) {
      if (isGone(error)) return undefined;
      if (isUnreadable(error)) return { error };
      throw error;
    }
  }
}

function found(kind: Finding['kind'], from: number, to: number, evidence: string): Finding {
  return { kind, bytes: byteRange(from, to), seqs: null, evidence };
}
