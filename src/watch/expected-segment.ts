/** Bytes [from, to) of a segment and their SHA-256 (latin1). */
export interface AnnouncedPiece {
  readonly from: number;
  readonly to: number;
  readonly sha256: string;
}

/** How long the segment may be, and what is still to be checked in it, by the writer's announcements alone. Pure. */
export class ExpectedSegment {
  readonly first: number;
  /** What the start took over: believed as it is on the disk, recovery has just checked it. */
  readonly baseBytes: number;
  /** Its length when all that was announced is written. */
  end: number;
  /** Written for certain: the file cannot be shorter. */
  made: number;
  /** Set once it is full and closed. */
  sealedBytes: number | undefined;
  /** How often it was cut: a look that saw a cut in between says nothing. */
  cuts = 0;
  #lowestCut: number | undefined;
  #announcedSinceLook = 0;
  readonly #pieces: AnnouncedPiece[] = [];

  constructor(first: number, baseBytes: number) {
    this.first = first;
    this.baseBytes = baseBytes;
    this.end = baseBytes;
    this.made = baseBytes;
  }

  get wasAnnounced(): boolean {
    return this.#announcedSinceLook > 0;
  }

  announce(piece: AnnouncedPiece): void {
    this.#announcedSinceLook++;
    this.end = piece.to;
    if (piece.to > piece.from) this.#pieces.push(piece);
  }

  settle(): void {
    this.made = this.end;
  }

  cut(bytes: number): void {
    this.cuts++;
    this.#lowestCut = Math.min(this.#lowestCut ?? bytes, bytes);
    this.end = Math.min(this.end, bytes);
    this.made = Math.min(this.made, bytes);
    while ((this.#pieces.at(-1)?.to ?? 0) > bytes) this.#pieces.pop();
  }

  /** Where the next look may find the file cut back to, once; undefined when it was not. */
  takeCut(): number | undefined {
    const cut = this.#lowestCut;
    this.#lowestCut = undefined;
    return cut;
  }

  before(): void {
    this.#announcedSinceLook = 0;
  }

  /** The oldest piece that nobody has compared with the disk. */
  nextPiece(): AnnouncedPiece | undefined {
    return this.#pieces[0];
  }

  shiftPiece(): void {
    this.#pieces.shift();
  }
}
