/** What the timeline page is made from; all of it also stands in other files of the bundle. */
export interface TimelineInput {
  readonly origin: string;
  /** 32 hex digits. */
  readonly ledgerId: string;
  readonly verifierKey: string;
  /** RFC 3339, closed range. */
  readonly from: string;
  readonly to: string;
  /** Signed checkpoint, note text. */
  readonly checkpoint: string;
  /** Range proof from leaf `first` on in the tree of `size` leaves; hashes in hex. */
  readonly proof: { readonly first: number; readonly size: number; readonly hashes: readonly string[] };
  /** The leaves just outside the window, as lines like those of events.ndjson. */
  readonly edgesNdjson: string;
  readonly eventsNdjson: string;
  readonly toolVersion: string;
}
