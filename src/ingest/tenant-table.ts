import { type JsonTape, VALUE_AT, VALUE_END } from './json-tape.ts';

/** A power of two well above the tenants that one producer's batch usually mixes. */
const SLOTS = 256;
/** Names up to this long are recognised by their bytes; longer ones are looked up as strings each time. */
const SLOT_BYTES = 40;

/**
 * The distinct tenants of one request, numbered from 1. The slots are only a short cut past making a string for every event; the map
 * decides, because its hashing is seeded and a producer cannot aim at it.
 */
export class TenantTable {
  names: string[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #slotBytes = new Uint8Array(SLOTS * SLOT_BYTES);
  /** 0 = the slot is free. */
  readonly #slotLengths = new Uint8Array(SLOTS);
  readonly #slotNumbers = new Uint16Array(SLOTS);

  /** Starts a request. The names of the one before belong to its batch now. */
  begin(): void {
    this.names = [];
    this.#numbers.clear();
    this.#slotLengths.fill(0);
  }

  /** The number of the tenant that a string node names. */
  numberOf(tape: JsonTape, node: number): number {
    const at = tape.nodes[node + VALUE_AT] + 1;
    const length = tape.nodes[node + VALUE_END] - 1 - at;
    if (length > SLOT_BYTES) return this.#lookUp(tape.textOf(node));
    const { text } = tape;
    let hash = length;
    for (let i = 0; i < length; i++) hash = (Math.imul(hash, 31) + text[at + i]) | 0;
    const slot = (hash ^ (hash >>> 8)) & (SLOTS - 1);
    const from = slot * SLOT_BYTES;
    if (this.#slotLengths[slot] === length && this.#isInSlot(from, text, at, length)) return this.#slotNumbers[slot];
    const number = this.#lookUp(tape.textOf(node));
    for (let i = 0; i < length; i++) this.#slotBytes[from + i] = text[at + i];
    this.#slotLengths[slot] = length;
    this.#slotNumbers[slot] = number;
    return number;
  }

  #isInSlot(from: number, text: Uint8Array, at: number, length: number): boolean {
    for (let i = 0; i < length; i++) if (this.#slotBytes[from + i] !== text[at + i]) return false;
    return true;
  }

  #lookUp(name: string): number {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    const number = this.names.push(name);
    this.#numbers.set(name, number);
    return number;
  }
}
