import { createHash } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { systemClock } from '../../src/kernel/clock.ts';
import { MemorySource } from '../../src/versions/byte-source.ts';
import { openPatch } from '../../src/versions/patch-format.ts';
import { toSplices, type Op, type Splice } from '../../src/versions/patch.ts';
import { VersionPaths } from '../../src/versions/paths.ts';
import type { StagedContent, VersionRecord, VerifyReport } from '../../src/versions/ports.ts';
import { stageContent } from '../../src/versions/stage-content.ts';
import { VersionStore } from '../../src/versions/store.ts';
import { seededRandom } from '../fault/producer.ts';
import type { TranscriptStep } from './transcript.ts';

const NAME = 'stressed';
/** Of ten steps so many are upgrades. */
const UPGRADES_IN_TEN = 7;
const EDITS_MAX = 6;
const EDIT_BYTES_MAX = 64;
/** Most rollbacks go back a few versions, one of fifty anywhere. */
const NEAR = 20;
const FAR_ONE_IN = 50;

/** An artifact under random changes, beside the bytes and hashes that its versions must have. */
export class VersionsRun implements AsyncDisposable {
  upgrades = 0;
  rollbacks = 0;
  content: Buffer;
  readonly #store: VersionStore;
  readonly #paths: VersionPaths;
  readonly #random: () => number;
  /** Of version n at n − 1, as this script hashed them. */
  readonly #hashes: string[] = [];

  private constructor(store: VersionStore, dataDir: string, content: Buffer, random: () => number) {
    this.#store = store;
    this.#paths = new VersionPaths(dataDir);
    this.#random = random;
    this.content = content;
  }

  static async begin(dataDir: string, bytes: number, seed: number): Promise<VersionsRun> {
    const random = seededRandom(seed);
    const store = await VersionStore.open({
      dataDir,
      limits: { artifactsMax: 1, versionsMax: 1_000_000, keep: undefined },
      audit: { record: async () => undefined },
      clock: systemClock,
      changed: () => undefined,
      trouble: (error) => {
        throw error;
      },
    });
    const content = Buffer.from(Uint8Array.from({ length: bytes }, () => Math.floor(random() * 256)));
    const run = new VersionsRun(store, dataDir, content, random);
    const { record } = await store.put({ name: NAME, precondition: 'none' }, await run.#stage());
    run.#check(record);
    return run;
  }

  /** One upgrade or rollback; throws unless the head has the hash of the content that this script holds. */
  async step(isTold: boolean): Promise<TranscriptStep> {
    if (this.#below(10) < UPGRADES_IN_TEN || this.#hashes.length === 1) return this.#upgrade(isTold);
    const head = this.#hashes.length;
    const back = this.#below(FAR_ONE_IN) === 0 ? head - 1 : Math.min(NEAR, head - 1);
    return this.#rollback(head - 1 - this.#below(back), isTold);
  }

  /** Back to version 1. */
  takeAllBack(isTold: boolean): Promise<TranscriptStep> {
    return this.#rollback(1, isTold);
  }

  verify(): Promise<VerifyReport> {
    return this.#store.verify(NAME);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#store.close();
  }

  async #upgrade(isTold: boolean): Promise<TranscriptStep> {
    const before = this.content;
    for (let edits = 1 + this.#below(EDITS_MAX); edits > 0; edits--) this.#edit();
    const { record } = await this.#store.put({ name: NAME, precondition: this.#head() }, await this.#stage());
    this.upgrades++;
    return this.#told(record, before, isTold);
  }

  async #rollback(to: number, isTold: boolean): Promise<TranscriptStep> {
    const before = this.content;
    const plan = await this.#store.rollback({ name: NAME, to, reason: 'stress', precondition: this.#head(), isDryRun: false, hold: false });
    const { path } = await this.#store.open(NAME, plan.from.version + 1);
    this.content = readFileSync(path);
    rmSync(path);
    if (sha256(this.content) !== this.#hashes[to - 1]) throw new Error(`version ${to} came back with other bytes`);
    if (plan.record === undefined) throw new Error('the rollback made no version');
    this.rollbacks++;
    return this.#told(plan.record, before, isTold);
  }

  /** Overwrites, inserts or removes a few bytes somewhere. */
  #edit(): void {
    const at = this.#below(this.content.length + 1);
    const bytes = Buffer.from(Uint8Array.from({ length: this.#below(EDIT_BYTES_MAX + 1) }, () => this.#below(256)));
    const removed = this.#below(3) === 0 ? this.#below(EDIT_BYTES_MAX + 1) : bytes.length;
    this.content = Buffer.concat([this.content.subarray(0, at), bytes, this.content.subarray(Math.min(this.content.length, at + removed))]);
  }

  async #told(record: VersionRecord, before: Buffer, isTold: boolean): Promise<TranscriptStep> {
    const from = this.#hashes.at(-1) ?? '';
    this.#check(record);
    const { version, sha256: to, restores } = record;
    const splices = isTold ? await this.#splices(before) : [];
    return {
      version,
      cause: restores === undefined ? 'put' : 'rollback',
      ...(restores === undefined ? {} : { restores }),
      from,
      to,
      splices,
    };
  }

  /** From the patch file that the store made; where it keeps the whole content instead, all of it is replaced. */
  async #splices(before: Buffer): Promise<Splice[]> {
    const last = readFileSync(this.#paths.index(NAME), 'utf8').trimEnd().split('\n').at(-1) ?? '';
    const { patch } = JSON.parse(last) as { patch?: string };
    if (patch === undefined) return [{ at: 0, removed: before, inserted: this.content }];
    const ops: Op[] = [];
    for await (const op of (await openPatch(new MemorySource(readFileSync(this.#paths.object(patch))))).ops()) ops.push(op);
    return toSplices(ops, before);
  }

  #check(record: VersionRecord): void {
    const expected = sha256(this.content);
    if (record.sha256 !== expected) throw new Error(`version ${record.version} has the hash ${record.sha256} instead of ${expected}`);
    this.#hashes.push(expected);
  }

  #head(): { version: number; sha256: string } {
    return { version: this.#hashes.length, sha256: this.#hashes.at(-1) ?? '' };
  }

  async #stage(): Promise<StagedContent> {
    const { content } = this;
    return stageContent(
      this.#paths,
      (async function* () {
        yield content;
      })(),
      Number.MAX_SAFE_INTEGER,
    );
  }

  #below(end: number): number {
    return Math.floor(this.#random() * end);
  }
}

function sha256(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}
