import { createHash } from 'node:crypto';
import type { Claim, StoreVerdict } from './limit-store.ts';
import type { WindowView } from './window.ts';

/** Longer keys are known by their digest. */
const KEY_CHARS_MAX = 64;
const DOUBLE_BYTES = 8;
const CHECK_DOUBLES = 2;
const CLAIM_DOUBLES = 5;

/** A check on its way to WINDOW_SCRIPT. */
export interface PackedCheck {
  readonly claims: readonly Claim[];
  /** Name of the record that remembers the answer, or one of these: */
  readonly record: string;
}

export const NO_RECORD = '';
/** Nothing is charged. */
export const LOOK = 'look';

/** Name of the window of a key, without the prefix. */
export function windowName(key: string): string {
  return key.length > KEY_CHARS_MAX ? `h:${createHash('sha256').update(key).digest('base64url')}` : `w:${key}`;
}

/** Checks as the script reads them; `names` stand in KEYS from index `first` (from 1) on, each once. */
export function packChecks(checks: readonly PackedCheck[], first: number): { readonly names: readonly string[]; readonly packed: Buffer } {
  const indexes = new Map<string, number>();
  const indexOf = (name: string): number => {
    const known = indexes.get(name);
    if (known !== undefined) return known;
    const index = indexes.size + first;
    indexes.set(name, index);
    return index;
  };
  const doubles = checks.reduce((sum, { claims }) => sum + CHECK_DOUBLES + claims.length * CLAIM_DOUBLES, 0);
  const writer = new DoubleWriter(doubles);
  for (const { claims, record } of checks) {
    writer.put(claims.length);
    writer.put(record === NO_RECORD ? 0 : record === LOOK ? -1 : indexOf(record));
    for (const { key, rule, cost, isDryRun } of claims) {
      writer.put(indexOf(windowName(key)));
      writer.put(rule.limit);
      writer.put(rule.windowUs);
      writer.put(cost);
      writer.put(isDryRun ? 1 : 0);
    }
  }
  return { names: [...indexes.keys()], packed: writer.bytes };
}

/** What the script answered: a status, the clock, and, unless the status says otherwise, a verdict for each check. */
export function unpackAnswer(
  answer: Buffer,
  checks: readonly PackedCheck[],
): { readonly status: number; readonly clockUs: number; readonly verdicts: readonly StoreVerdict[] } {
  let at = 0;
  const take = (): number => {
    at += DOUBLE_BYTES;
    return answer.readDoubleLE(at - DOUBLE_BYTES);
  };
  const [status, clockUs] = [take(), take()];
  if (status !== 0) return { status, clockUs, verdicts: [] };
  const verdicts = checks.map(({ claims }): StoreVerdict => {
    const said = take();
    const [isAdmitted, isReplay] = [said === 1 || said === 3, said > 1];
    const nowUs = take();
    const views = claims.map((): WindowView => {
      const [fits, remaining, retryAfterUs, resetUs] = [take(), take(), take(), take()];
      return { isAdmitted: fits === 1, remaining, retryAfterUs: retryAfterUs < 0 ? Infinity : retryAfterUs, resetUs };
    });
    return { isAdmitted, views, nowUs, isReplay };
  });
  return { status, clockUs, verdicts };
}

/** The stamps that a node brings, as SEED_SCRIPT reads them. */
export function packStamps(lists: readonly { readonly windowUs: number; readonly stamps: readonly number[] }[]): Buffer {
  const writer = new DoubleWriter(lists.reduce((sum, { stamps }) => sum + 2 + stamps.length, 0));
  for (const { windowUs, stamps } of lists) {
    writer.put(windowUs);
    writer.put(stamps.length);
    for (const stamp of stamps) writer.put(stamp);
  }
  return writer.bytes;
}

class DoubleWriter {
  readonly bytes: Buffer;
  #at = 0;

  constructor(doubles: number) {
    this.bytes = Buffer.allocUnsafe(doubles * DOUBLE_BYTES);
  }

  put(value: number): void {
    this.#at = this.bytes.writeDoubleLE(value, this.#at);
  }
}
