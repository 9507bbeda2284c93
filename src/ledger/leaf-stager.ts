import {
  FLAG_REQUEST_TAG,
  FRAME_PREFIX_BYTES,
  LEAF_HEADER_BYTES,
  LEAF_MAC_BYTES,
  LEAF_VERSION,
  REQUEST_TAG_BYTES,
} from '../kernel/leaf.ts';
import { FastChain } from './fast-chain.ts';

/** What a frame takes beside its payload and tag. */
export const FRAME_OVERHEAD_BYTES = FRAME_PREFIX_BYTES + LEAF_HEADER_BYTES + LEAF_MAC_BYTES;

export interface LeafParts {
  readonly type: number;
  readonly flags: number;
  readonly seq: number;
  readonly tag: Uint8Array | undefined;
  /** The payload is payloads[payloadFrom, payloadTo). */
  readonly payloads: Buffer;
  readonly payloadFrom: number;
  readonly payloadTo: number;
}

/** Frames leaves and MACs them into the chain: the hot path of every append. */
export class LeafStager {
  readonly chain: FastChain;
  #epoch = 0;
  #timeHigh = 0;
  #timeLow = 0;

  constructor(chain: FastChain) {
    this.chain = chain;
  }

  /** Server time of the leaves staged from here on; the caller clamps it. */
  setTime(timeNs: bigint): void {
    this.#timeHigh = Number(timeNs >> 32n);
    this.#timeLow = Number(timeNs & 0xffff_ffffn);
  }

  /** Epoch of the leaves staged from here on; the chain has its key. */
  setEpoch(epoch: number): void {
    this.#epoch = epoch;
  }

  /** Writes one frame to `out` at `at` (the caller made room); returns the byte behind it. */
  stage(out: Buffer, at: number, leaf: LeafParts): number {
    const { buffer, view } = this.chain;
    const { tag, payloads, payloadFrom, payloadTo } = leaf;
    const header = FastChain.bodyAt;
    const tagBytes = tag === undefined ? 0 : REQUEST_TAG_BYTES;
    const bodyBytes = LEAF_HEADER_BYTES + tagBytes + payloadTo - payloadFrom;
    const leafBytes = bodyBytes + LEAF_MAC_BYTES;
    buffer[header] = LEAF_VERSION;
    buffer[header + 1] = leaf.type;
    view.setUint16(header + 2, tag === undefined ? leaf.flags : leaf.flags | FLAG_REQUEST_TAG);
    view.setUint32(header + 4, Math.floor(leaf.seq / 0x1_0000_0000));
    view.setUint32(header + 8, leaf.seq % 0x1_0000_0000);
    view.setUint32(header + 12, this.#epoch);
    view.setUint32(header + 16, this.#timeHigh);
    view.setUint32(header + 20, this.#timeLow);
    if (tag !== undefined) buffer.set(tag, header + LEAF_HEADER_BYTES);
    payloads.copy(buffer, header + LEAF_HEADER_BYTES + tagBytes, payloadFrom, payloadTo);
    this.chain.advance(bodyBytes);
    out[at] = leafBytes >>> 8;
    out[at + 1] = leafBytes;
    buffer.copy(out, at + FRAME_PREFIX_BYTES, header, header + leafBytes);
    return at + FRAME_PREFIX_BYTES + leafBytes;
  }
}
