/** What differs between the places a checkpoint lock can live in; src/anchor/lock-over-store.ts makes a lock of one. */
export interface CheckpointStore {
  /** For messages: where it is, without credentials. */
  readonly location: string;
  /** What stands there; rejects when the place cannot be reached. May hang. */
  read(): Promise<string | undefined>;
  /**
   * Compare-and-swap, atomic against every other process: `next` takes the place of exactly `previous`. A rejection leaves open whether
   * it took place. May hang.
   */
  swap(previous: string | undefined, next: string): Promise<Swap>;
  close(): Promise<void>;
}

export type Swap = { readonly isSwapped: true } | { readonly isSwapped: false; readonly found: string | undefined };
