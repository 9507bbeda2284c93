/**
 * The events of one request, validated and in canonical form, ready for the writer thread: a few flat arrays, so that one
 * message moves any number of entries without a copy or an object per entry.
 */
export interface EventBatch {
  /** Canonical payloads, one after the other. */
  readonly payloads: Uint8Array<ArrayBuffer>;
  /** ends[i] = the offset in `payloads` just past payload i; its length is the number of events. */
  readonly ends: Uint32Array<ArrayBuffer>;
  /** levels[i] = index into LEVELS. */
  readonly levels: Uint8Array<ArrayBuffer>;
  /** tenants[i] = index into tenantNames, plus one; 0 = the event names no tenant. */
  readonly tenants: Uint16Array<ArrayBuffer>;
  readonly tenantNames: readonly string[];
}

export const EMPTY_BATCH: EventBatch = {
  payloads: new Uint8Array(0),
  ends: new Uint32Array(0),
  levels: new Uint8Array(0),
  tenants: new Uint16Array(0),
  tenantNames: [],
};
