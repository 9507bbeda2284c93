import { canonical, hmac, type Value } from './reference-crypto.ts';
import { epochSecrets, keyCommitment, nextSecrets, type EpochSecrets, type EpochSetting } from './reference-epochs.ts';

interface LeafSpec {
  /** Number from the table of types; 2 (event) unless given. */
  readonly type?: number;
  /** Bytes stand as they are; anything else is written as canonical JSON. */
  readonly payload: Value | Uint8Array;
}

export interface RequestSpec {
  readonly timeNs: bigint;
  readonly leaves: readonly LeafSpec[];
  /** 64 bytes. */
  readonly tag?: Uint8Array;
}

/** Ends the running epoch; with `rotateTo` a key-rotate leaf stands before the seal. */
export interface SealSpec {
  readonly timeNs: bigint;
  readonly seal: {
    readonly final?: boolean;
    readonly bootId?: string;
    /** Nanoseconds since the first seal's boot; the seal's time after START unless given. */
    readonly monotonicNs?: bigint;
    readonly wallNs?: bigint;
    readonly rotateTo?: { readonly key: Uint8Array; readonly seed: Uint8Array };
    /** Replaces fields of the payload. */
    readonly fields?: { readonly [key: string]: Value };
  };
}

/** The config leaf with which an older ledger begins to seal. */
export interface BeginSealing {
  readonly timeNs: bigint;
  readonly beginSealing: true;
}

export type Step = RequestSpec | SealSpec | BeginSealing;

interface Unsealed {
  readonly type: number;
  readonly flags: number;
  readonly timeNs: bigint;
  readonly body: Uint8Array;
}

export type KeyOfEpoch = (epoch: number) => Uint8Array;

const MINUTE_NS = 60_000_000_000n;
const SEAL = 3;

/** Header, tag and payload without the MAC. */
function leafBody(seq: number, epoch: number, leaf: Unsealed): Buffer {
  const header = Buffer.alloc(24);
  header[0] = 1;
  header[1] = leaf.type;
  header.writeUInt16BE(leaf.flags, 2);
  header.writeBigUInt64BE(BigInt(seq), 4);
  header.writeUInt32BE(epoch, 12);
  header.writeBigUInt64BE(leaf.timeNs, 16);
  return Buffer.concat([header, leaf.body]);
}

/** Chains leaf bodies: body ‖ HMAC-SHA256(K, domain ‖ ledger id ‖ mac before ‖ body). `key`: that of the one epoch, or by epoch. */
export function chainLeaves(
  bodies: readonly Uint8Array[],
  key: Uint8Array | KeyOfEpoch,
  ledgerId: Uint8Array,
  previousMac: Uint8Array = new Uint8Array(32),
): Buffer[] {
  let mac = previousMac;
  return bodies.map((body) => {
    const own = typeof key === 'function' ? key(Buffer.from(body).readUInt32BE(12)) : key;
    mac = hmac(own, Buffer.from('proofs/chain/v1\n'), ledgerId, mac, body);
    return Buffer.concat([body, mac]);
  });
}

function requestLeaves(request: RequestSpec): Unsealed[] {
  return request.leaves.map(({ type = 2, payload }, index) => {
    const tag = index === 0 ? request.tag : undefined;
    const flags = (index === request.leaves.length - 1 ? 1 : 0) | (tag === undefined ? 0 : 4);
    const content = payload instanceof Uint8Array ? payload : Buffer.from(canonical(payload));
    return { type, flags, timeNs: request.timeNs, body: Buffer.concat([tag ?? Buffer.alloc(0), content]) };
  });
}

/** The leaf that closes the minute of `run`, which holds every counted leaf of that minute; timed like the leaf that follows. */
function minuteSummary(run: readonly Unsealed[], firstSeq: number, timeNs: bigint): Unsealed {
  const levels: Record<string, number> = {};
  const tenants = new Map<string, number>();
  let tenantsOther = 0;
  for (const leaf of run.filter(({ type }) => type === 2)) {
    const text = Buffer.from(leaf.body.subarray((leaf.flags & 4) === 0 ? 0 : 64)).toString();
    const event = JSON.parse(text) as { level?: string; tenant?: string };
    const level = event.level ?? 'none';
    levels[level] = (levels[level] ?? 0) + 1;
    if (event.tenant === undefined) continue;
    if (tenants.has(event.tenant) || tenants.size < 64) tenants.set(event.tenant, (tenants.get(event.tenant) ?? 0) + 1);
    else tenantsOther++;
  }
  const minute = Number(run[0].timeNs / MINUTE_NS);
  const counts = { levels, tenants: Object.fromEntries(tenants), tenantsOther };
  const payload = { minute, firstSeq, lastSeq: firstSeq + run.length - 1, leaves: run.length, ...counts };
  return { type: 13, flags: 1, timeNs, body: Buffer.from(canonical(payload)) };
}

/** Lays out leaves one after the other, with the minute summaries in their places and each MAC by the key of its epoch. */
export class LedgerBuilder {
  readonly #setting: EpochSetting;
  readonly leaves: Buffer[] = [];
  readonly epochs: EpochSecrets[];
  /** First epoch of each root key, with that key. */
  readonly lineages: EpochSecrets[];
  /** After each request: size, epoch that runs then, and whether it was a seal. */
  readonly ends: { readonly size: number; readonly epoch: number; readonly isSeal: boolean }[] = [];
  /** First size whose checkpoint carries an epoch's signature; undefined when the ledger does not seal. */
  sealingFrom: number | undefined;
  runningEpoch = 0;
  #run: Unsealed[] = [];
  #runFirst = 0;
  #epochFirst = 0;
  #openedNs = 0n;
  #bootNs = 0n;

  constructor(setting: EpochSetting, first: EpochSecrets, isSealing: boolean) {
    this.#setting = setting;
    this.epochs = [first];
    this.lineages = [first];
    this.sealingFrom = isSealing ? 1 : undefined;
  }

  addGenesis(payload: string, timeNs: bigint): void {
    this.#openedNs = timeNs;
    this.#bootNs = timeNs;
    this.#push({ type: 1, flags: 1, timeNs, body: Buffer.from(payload) });
    this.ends.push({ size: 1, epoch: 0, isSeal: false });
  }

  add(step: Step): void {
    if ('seal' in step) this.#addSeal(step);
    else if ('beginSealing' in step) this.#beginSealing(step);
    else this.#addRequest(step);
  }

  /** Whose signature stands beside the log key's on a head of `size` leaves. */
  signingEpochAt(size: number, epoch: number): number | undefined {
    return this.sealingFrom !== undefined && size >= this.sealingFrom ? epoch : undefined;
  }

  #addRequest(request: RequestSpec): void {
    this.#closeMinute(request.timeNs);
    for (const leaf of requestLeaves(request)) this.#push(leaf);
    this.ends.push({ size: this.leaves.length, epoch: this.runningEpoch, isSeal: false });
  }

  #beginSealing({ timeNs }: BeginSealing): void {
    this.#addRequest({ timeNs, leaves: [{ type: 8, payload: { epochKey: this.epochs[0].verifierKey, epochPolicy: 'seal/v1' } }] });
    this.sealingFrom = this.leaves.length;
  }

  #addSeal({ timeNs, seal }: SealSpec): void {
    const epoch = this.runningEpoch;
    const { rotateTo } = seal;
    const next =
      rotateTo === undefined
        ? nextSecrets(this.#setting, this.epochs[epoch])
        : epochSecrets(this.#setting, epoch + 1, rotateTo.key, rotateTo.seed);
    this.epochs.push(next);
    if (rotateTo !== undefined) {
      this.lineages.push(next);
      const payload = { firstEpoch: epoch + 1, keyCommitment: keyCommitment(rotateTo.key, this.#setting.ledgerId) };
      this.#addRequest({ timeNs, leaves: [{ type: 6, payload }] });
    }
    this.#closeMinute(timeNs);
    const fields: Value = {
      bootId: seal.bootId ?? '01234567-89ab-4cde-8f01-23456789abcd',
      count: this.leaves.length - this.#epochFirst,
      epoch,
      final: seal.final ?? false,
      firstSeq: this.#epochFirst,
      lastMac: this.#lastMac().toString('hex'),
      monotonicNs: String(seal.monotonicNs ?? timeNs - this.#bootNs),
      nextEpochKey: next.verifierKey,
      openedNs: String(this.#openedNs),
      wallNs: String(seal.wallNs ?? timeNs),
      ...seal.fields,
    };
    this.#push({ type: SEAL, flags: 1, timeNs, body: Buffer.from(canonical(fields)) });
    this.runningEpoch = epoch + 1;
    this.#epochFirst = this.leaves.length;
    this.#openedNs = timeNs;
    this.ends.push({ size: this.leaves.length, epoch: epoch + 1, isSeal: true });
  }

  #closeMinute(timeNs: bigint): void {
    if (this.#run.length === 0 || timeNs / MINUTE_NS <= this.#run[0].timeNs / MINUTE_NS) return;
    this.#pushBody(minuteSummary(this.#run, this.#runFirst, timeNs));
    this.#run = [];
    this.#runFirst = this.leaves.length;
  }

  #push(leaf: Unsealed): void {
    this.#run.push(leaf);
    this.#pushBody(leaf);
  }

  #pushBody(leaf: Unsealed): void {
    const { key } = this.epochs[this.runningEpoch];
    this.leaves.push(...chainLeaves([leafBody(this.leaves.length, this.runningEpoch, leaf)], key, this.#setting.ledgerId, this.#lastMac()));
  }

  #lastMac(): Buffer {
    const last = this.leaves.at(-1);
    return last === undefined ? Buffer.alloc(32) : last.subarray(-32);
  }
}
