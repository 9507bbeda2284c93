import { keyCommitment } from '../kernel/chain.ts';
import { equalBytes, toHex } from '../kernel/bytes.ts';
import { nextEpochKey } from '../kernel/epoch.ts';
import { nodeHashes } from '../kernel/node-hashes.ts';
import { ChainMac } from './chain-mac.ts';
import type { Rotation } from './segment-state.ts';

/** The root key of a lineage, as it was given. */
export interface HmacKeyCandidate {
  /** Where it came from, for messages. */
  readonly label: string;
  readonly key: Uint8Array;
}

/** What a file epoch.key holds. */
export interface EpochKeyCandidate {
  readonly label: string;
  readonly epoch: number;
  /** K_e */
  readonly key: Uint8Array;
  /** S_e */
  readonly seed: Uint8Array;
}

/** Keys beyond the ledger's end cost an HMAC an epoch: a second of work at most, and more epochs than a month has. */
const EPOCHS_AHEAD_MAX = 1 << 20;

export interface GivenKeys {
  readonly ledgerId: Uint8Array | undefined;
  /** That of epoch 0, if it was given. */
  readonly first: HmacKeyCandidate | undefined;
  readonly roots: readonly HmacKeyCandidate[];
  readonly epochKeys: readonly EpochKeyCandidate[];
  /** Epochs whose key is wanted afterwards. */
  readonly wanted: ReadonlySet<number>;
}

/**
 * The MAC key of the running epoch, going forward only: evolved from the one before, or begun anew where a rotation says so or an
 * epoch.key was given. Undefined wherever none of the given keys reaches.
 */
export class ChainKeys {
  readonly #given: GivenKeys;
  readonly #used = new Set<string>();
  readonly #kept = new Map<number, Uint8Array>();
  readonly #unreached: { from: number; to: number }[] = [];
  #epoch = 0;
  #key: Uint8Array | undefined;
  #mac: ChainMac | undefined;

  constructor(given: GivenKeys) {
    this.#given = given;
    if (given.first !== undefined) this.#used.add(given.first.label);
    this.#set(0, given.first?.key ?? this.#givenFor(0));
  }

  get epoch(): number {
    return this.#epoch;
  }

  get key(): Uint8Array | undefined {
    return this.#key;
  }

  get current(): ChainMac | undefined {
    // Made when it is first needed: segments that were checked by themselves only pass through epochs.
    return (this.#mac ??= this.#key === undefined ? undefined : this.macOf(this.#key));
  }

  /** Was an epoch.key given for an epoch after the running one, up to `epoch`? */
  isGivenUpTo(epoch: number): boolean {
    return this.#given.epochKeys.some((candidate) => candidate.epoch > this.#epoch && candidate.epoch <= epoch);
  }

  /** Labels of the keys that were of use. */
  get used(): ReadonlySet<string> {
    return this.#used;
  }

  /** Epochs with leaves whose MACs no given key reaches, in order. */
  get unreached(): readonly { readonly from: number; readonly to: number }[] {
    return this.#unreached;
  }

  /** A leaf of the running epoch whose MAC could not be checked. */
  noteUnreached(): void {
    const last = this.#unreached.at(-1);
    if (last !== undefined && this.#epoch >= last.from && this.#epoch <= last.to + 1) last.to = Math.max(last.to, this.#epoch);
    else this.#unreached.push({ from: this.#epoch, to: this.#epoch });
  }

  /** Goes on to a later epoch; by more than `stepsMax` only without a key, unless one was given for an epoch on the way. */
  moveTo(epoch: number, rotation: Rotation | undefined, stepsMax: number): void {
    const { ledgerId } = this.#given;
    if (epoch - this.#epoch > stepsMax) this.#set(this.#epoch, undefined);
    while (this.#epoch < epoch) {
      const next = this.#key === undefined && rotation === undefined ? this.#nextGiven(epoch) : this.#epoch + 1;
      let key = this.#key === undefined || ledgerId === undefined ? undefined : nextEpochKey(nodeHashes, this.#key, ledgerId, next);
      if (rotation?.firstEpoch === next) key = this.#rootOf(rotation);
      this.#set(next, key ?? this.#givenFor(next));
    }
  }

  /** The next epoch up to `epoch` for which an epoch.key was given; `epoch` itself when there is none. */
  #nextGiven(epoch: number): number {
    const given = this.#given.epochKeys.map((candidate) => candidate.epoch).filter((one) => one > this.#epoch && one <= epoch);
    return given.length === 0 ? epoch : Math.min(...given);
  }

  #givenFor(epoch: number): Uint8Array | undefined {
    const own = this.#given.epochKeys.find((candidate) => candidate.epoch === epoch);
    if (own !== undefined) this.#used.add(own.label);
    return own?.key;
  }

  /** After a rewind to an earlier place no key is known: what follows was found damaged anyway. */
  rewind(): void {
    this.#set(0, undefined);
  }

  /** Keys that the epoch may have when damage hides how it began: the evolved one, any root key, an epoch.key. */
  alternatives(epoch: number): { readonly label: string | undefined; readonly key: Uint8Array }[] {
    const { roots, epochKeys } = this.#given;
    const evolved = this.#evolvedTo(epoch);
    return [
      ...(evolved === undefined ? [] : [{ label: undefined, key: evolved }]),
      ...epochKeys.filter((candidate) => candidate.epoch === epoch),
      ...(epoch > 0 ? roots.filter(({ label }) => !this.#used.has(label)) : []),
    ];
  }

  /** One of the alternatives proved right. */
  settle(epoch: number, { label, key }: { readonly label: string | undefined; readonly key: Uint8Array }): void {
    if (label !== undefined) this.#used.add(label);
    if (epoch !== this.#epoch || this.#key === undefined || !equalBytes(key, this.#key)) this.#set(epoch, key);
  }

  macOf(key: Uint8Array): ChainMac | undefined {
    const { ledgerId } = this.#given;
    return ledgerId === undefined ? undefined : new ChainMac(key, ledgerId);
  }

  /** K of an epoch that was wanted, or of one somewhat beyond the end as the running key gives it. */
  keyOf(epoch: number): Uint8Array | undefined {
    return this.#kept.get(epoch) ?? this.#evolvedTo(epoch);
  }

  /** The running key, or what it becomes in a later epoch not too far off. */
  #evolvedTo(epoch: number): Uint8Array | undefined {
    const { ledgerId } = this.#given;
    if (this.#key === undefined || ledgerId === undefined || epoch < this.#epoch || epoch - this.#epoch > EPOCHS_AHEAD_MAX)
      return undefined;
    let key = this.#key;
    for (let next = this.#epoch + 1; next <= epoch; next++) key = nextEpochKey(nodeHashes, key, ledgerId, next);
    return key;
  }

  #rootOf(rotation: Rotation): Uint8Array | undefined {
    const { ledgerId, roots } = this.#given;
    if (ledgerId === undefined) return undefined;
    const root = roots.find(({ key }) => toHex(keyCommitment(nodeHashes, key, ledgerId)) === rotation.keyCommitment);
    if (root !== undefined) this.#used.add(root.label);
    return root?.key;
  }

  #set(epoch: number, key: Uint8Array | undefined): void {
    this.#epoch = epoch;
    this.#key = key;
    this.#mac = undefined;
    if (key !== undefined && this.#given.wanted.has(epoch)) this.#kept.set(epoch, key);
  }
}
