/**
 * The attacker of live strikes, a process of its own: one JSON order a line on stdin, one JSON answer a line on stdout. `doneNs` is
 * CLOCK_MONOTONIC right after the attack's last system call, which is what process.hrtime reads on Linux.
 */
import { createInterface } from 'node:readline';
import type { Outcome } from '../attack.ts';
import { AttackError } from '../attack-error.ts';
import { findAttack } from '../catalogue.ts';
import { LedgerView } from '../ledger-view.ts';
import type { AttackAnswer, AttackOrder } from './messages.ts';

let last: Outcome | undefined;

function obey(order: AttackOrder): AttackAnswer {
  if (order.name === 'undo') {
    const isUndone = last?.isUndone?.() === true;
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
