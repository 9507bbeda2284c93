import { join } from 'node:path';

/** Files of the room, below DATA_DIR/versions (docs/formats/versions.md). */
export class VersionPaths {
  readonly root: string;
  /** What has no name yet. A start removes all of it. */
  readonly incoming: string;

  /** `incoming`: a folder elsewhere, for whoever only reads. */
  constructor(dataDir: string, incoming?: string) {
    this.root = join(dataDir, 'versions');
    this.incoming = incoming ?? join(this.root, 'incoming');
  }

  get objects(): string {
    return join(this.root, 'objects');
  }

  get names(): string {
    return join(this.root, 'names');
  }

  /** Contents and patches, by their hash. */
  object(sha256: string): string {
    return join(this.objects, sha256.slice(0, 2), sha256);
  }

  folder(name: string): string {
    return join(this.names, name);
  }

  head(name: string): string {
    return join(this.names, name, 'head');
  }

  index(name: string): string {
    return join(this.names, name, 'index');
  }

  /** What is being done: until it is in the ledger how that ended. */
  pending(name: string): string {
    return join(this.names, name, 'pending');
  }

  fresh(): string {
    return join(this.incoming, crypto.randomUUID());
  }

  /** How messages name a place. */
  placeOf(path: string): string {
    return path.slice(this.root.length + 1);
  }
}
