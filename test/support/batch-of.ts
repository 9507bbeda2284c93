import { utf8, concat } from '../../src/kernel/bytes.ts';
import type { EventBatch } from '../../src/kernel/event-batch.ts';
import { canonicalJson } from '../../src/kernel/canonical-json.ts';
import { LEVELS, type Level } from '../../src/kernel/levels.ts';

export interface TestEvent {
  readonly message: string;
  readonly level?: Exclude<Level, 'none'>;
  readonly tenant?: string;
}

/** Events → the batch that ingest would make of them. */
export function batchOf(events: readonly TestEvent[]): EventBatch {
  const payloads = events.map((event) => utf8(canonicalJson({ ...event })));
  const tenantNames = [...new Set(events.flatMap((event) => event.tenant ?? []))];
  let end = 0;
  return {
    payloads: new Uint8Array(concat(...payloads)),
    ends: Uint32Array.from(payloads, (payload) => (end += payload.length)),
    levels: Uint8Array.from(events, (event) => LEVELS.indexOf(event.level ?? 'none')),
    tenants: Uint16Array.from(events, (event) => (event.tenant === undefined ? 0 : tenantNames.indexOf(event.tenant) + 1)),
    tenantNames,
  };
}
