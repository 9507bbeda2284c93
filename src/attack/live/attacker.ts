/**
 * The attacker of live strikes, a process of its own: one JSON order a line on stdin, one JSON answer a line on stdout. `doneNs` is
 * CLOCK_MONOTONIC right after the attack's last system call, which is what process.hrtime reads on Linux.
 */
import { createInterface } from 'node:readline';
import type { Outcome } from '../attack.ts';
import { AttackError } from '../attack-error.ts';
import { findAttack } from '../catalogue.ts';
import { LedgerView } from '../ledger-view.ts';
import { DETECT_MS_MAX } from './live-run.ts';
import type { AttackAnswer, AttackOrder } from './messages.ts';

/** How often it is looked whether the writer has overwritten what was done. */
const LOOK_MS = 4;

let last: Outcome | undefined;
/** Milliseconds after the attack when it was found overwritten. */
let undoneMs: number | undefined;
let looking: NodeJS.Timeout | undefined;

/** What lay there for as long as a detection may take was there to be found, whatever became of it afterwards. */
function lookForUndoing({ isUndone }: Outcome): void {
  undoneMs = undefined;
  if (isUndone === undefined) return;
  const doneMs = performance.now();
  looking = setInterval(() => {
    const sinceMs = performance.now() - doneMs;
    if (isUndone()) undoneMs = sinceMs;
    if (undoneMs !== undefined || sinceMs > DETECT_MS_MAX) clearInterval(looking);
  }, LOOK_MS);
}

function obey(order: AttackOrder): AttackAnswer {
  if (order.name === 'undo') {
    clearInterval(looking);
    const isUndone = undoneMs !== undefined && undoneMs <= DETECT_MS_MAX;
    last?.undo?.();
    last = undefined;
    return { note: 'ended', ...(isUndone && { isUndone }) };
  }
  const attack = findAttack(order.name);
  if (attack === undefined) throw new Error(`there is no attack "${order.name}"`);
  try {
    const view = new LedgerView(order);
    const outcome = attack.apply(view);
    const doneNs = outcome.doneNs ?? process.hrtime.bigint();
    last = outcome;
    lookForUndoing(outcome);
    return { doneNs: String(doneNs), note: outcome.note };
  } catch (error) {
    if (error instanceof AttackError && error.code === 'not-possible')
      return { note: error.message, notPossible: error.cause instanceof Error ? error.cause.message : error.message };
    // What the immutable flag answers.
    if (error instanceof Error && 'code' in error && error.code === 'EPERM') return { note: error.message, prevented: error.message };
    throw error;
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(obey(JSON.parse(line) as AttackOrder))}\n`);
}
