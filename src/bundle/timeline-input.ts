/** What the timeline page is made from; all of it also stands in other files of the bundle. */
export interface TimelineInput {
  readonly origin: string;
  /** 32 hex digits. */
  readonly ledgerId: string;
  readonly verifierKey: string;
  /** The window [from, to), written as in docs/formats/bundle.md. */
  readonly from: string;
  readonly to: string;
  /** Signed checkpoint, note text. */
  readonly checkpoint: string;
  /** Range proof from leaf `first` on in the tree of `size` leaves; hashes in hex. */
  readonly proof: { readonly first: number; readonly size: number; readonly hashes: readonly string[] };
  /** The leaves just outside the window, as entry lines. */
  readonly edgesNdjson: string;
  readonly eventsNdjson: string;
  readonly toolVersion: string;
}
