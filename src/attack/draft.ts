import { LEAF_TYPES, parseLeaf } from '../kernel/leaf.ts';

/** A leaf taken apart, to be changed and put together again; its number is its place in the list. */
export interface Draft {
  type: number;
  flags: number;
  epoch: number;
  timeNs: bigint;
  readonly tag: Uint8Array | undefined;
  payload: Uint8Array;
  /** The MAC it had: kept where the key to make another is not known. */
  mac: Uint8Array;
}

export function toDraft(bytes: Uint8Array): Draft {
  const { type, flags, epoch, timeNs, requestTag, payload, mac } = parseLeaf(bytes);
  return { type, flags, epoch, timeNs, tag: requestTag, payload, mac };
}

/** An event of the intruder's own, looking like `model`. */
export function forgedEvent(model: Draft, message: string): Draft {
  const payload = Buffer.from(`{"level":"info","message":${JSON.stringify(message)}}`);
  return { ...model, type: LEAF_TYPES.event, flags: 1, tag: undefined, payload };
}
