/** Announcements that may come in between two looks: far more than a second's commits. Beyond it the oldest is forgotten. */
const CANDIDATES_MAX = 16_384;

/**
 * Which contents a file that the writer replaces may have: the last one seen or announced as made, and those announced since. Pure.
 * A look is `before()`, read, take in what was announced meanwhile, `matches(digest)`.
 */
export class ExpectedFile {
  /** Digests in the order of announcement. */
  #candidates: string[] = [];
  #announcedSinceLook = 0;

  /** True until the writer or the first look said what it holds. */
  get isUnknown(): boolean {
    return this.#candidates.length === 0;
  }

  /** True when the writer has just been here: an event of the file system is probably its own. */
  get wasAnnounced(): boolean {
    return this.#announcedSinceLook > 0;
  }

  announce(digest: string): void {
    this.#announcedSinceLook++;
    this.#candidates.push(digest);
    if (this.#candidates.length > CANDIDATES_MAX) this.#candidates.shift();
  }

  /** Everything but the last announced change has been made: older contents can no longer be there. */
  before(): void {
    this.#announcedSinceLook = 0;
    this.#candidates = this.#candidates.slice(-2);
  }

  /** True when the file may hold this; contents older than it are not accepted again. */
  matches(digest: string): boolean {
    const at = this.#candidates.lastIndexOf(digest);
    if (at < 0) return false;
    this.#candidates = this.#candidates.slice(at);
    return true;
  }

  /** Takes what is there for granted: the first look, or after a report. Announcements still count. */
  adopt(digest: string): void {
    this.#candidates = [digest, ...this.#candidates.slice(1)];
  }
}
