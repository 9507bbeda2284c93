import type { SampleLeaf, SampleWindow } from './timeline-input.ts';

const MINUTE = 60_000;
const START = Date.UTC(2026, 10, 20, 8, 0, 0);

export const INCIDENT_WINDOW: SampleWindow = { fromMs: START, toMs: START + 120 * MINUTE };

/**
 * Two hours: two events a minute, and forty errors in the minute 09:12. Some leaves before and after the window, and one of each
 * record that is drawn as a marker.
 */
export function incidentLeaves(): SampleLeaf[] {
  const leaves: SampleLeaf[] = [
    { type: 'genesis', payload: { origin: 'o' }, timeMs: START - 10 * MINUTE },
    { payload: { message: 'before the window' }, timeMs: START - 5 * MINUTE },
  ];
  for (let minute = 0; minute < 120; minute++) {
    const at = START + minute * MINUTE;
    leaves.push({
      payload: { level: 'info', message: `GET /orders/${minute} 200`, source: 'api', tenant: minute % 3 === 0 ? 'acme' : 'globex' },
      timeMs: at + 1000,
    });
    leaves.push({
      payload: { level: minute % 10 === 0 ? 'warn' : 'info', message: `cache refreshed in ${minute} ms`, source: 'worker' },
      timeMs: at + 2000,
    });
    if (minute === 72) leaves.push(...burst(at));
    if (minute === 75)
      leaves.push({
        type: 'recovery',
        payload: { action: 'cut', bytes: 7, file: 'f', firstSeq: 9, reason: 'torn tail', sha256: 'ab' },
        timeMs: at + 3000,
      });
    if (minute === 80) leaves.push({ type: 'minuteSummary', payload: { leaves: 2, firstSeq: 1, lastSeq: 2 }, timeMs: at + 3000 });
  }
  leaves.push({ type: 'heartbeat', payload: { reason: 'edge' }, timeMs: START + 130 * MINUTE });
  return leaves;
}

function burst(at: number): SampleLeaf[] {
  return Array.from({ length: 40 }, (_, i) => ({
    payload: {
      actor: '203.0.113.7',
      attributes: { attempt: i, big: 1, nested: { reason: 'pool exhausted' } },
      level: i === 39 ? 'fatal' : 'error',
      message: `connection to 10.0.0.5:5432 refused after ${i} tries`,
      source: 'api',
      tenant: 'acme',
      traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
    },
    timeMs: at + 5000 + i * 1000,
    hasRequestTag: i === 0,
  }));
}
