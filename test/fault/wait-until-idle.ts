import { cpus } from 'node:os';
import { setTimeout } from 'node:timers/promises';

const SAMPLE_MS = 1000;
/** Of all cores together: what a sidecar, its watch, an attacker and an observer need is less than half of two. */
const IDLE_SHARE_MIN = 0.6;

function busyAndTotal(): [busy: number, total: number] {
  const times = cpus().map((cpu) => cpu.times);
  const total = times.reduce((sum, { user, nice, sys, idle, irq }) => sum + user + nice + sys + idle + irq, 0);
  return [total - times.reduce((sum, { idle }) => sum + idle, 0), total];
}

/** Resolves when the machine was mostly idle for a second: figures of a busy one say nothing about us. Never gives up; whoever asked can. */
export async function waitUntilIdle(): Promise<void> {
  for (;;) {
    const [busyBefore, totalBefore] = busyAndTotal();
    await setTimeout(SAMPLE_MS);
    const [busy, total] = busyAndTotal();
    if (busy - busyBefore <= (1 - IDLE_SHARE_MIN) * (total - totalBefore)) return;
  }
}
