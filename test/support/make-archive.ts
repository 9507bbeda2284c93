import type { ObjectStore } from '../../src/kernel/object-store.ts';
import { sha256, signCheckpoint, treeRoot } from './reference-crypto.ts';
import { joinFrames, type MadeLedger } from './make-ledger.ts';

/** An object store in memory: what is put in is what comes out, and can be damaged in between. */
export class MemoryStore implements ObjectStore {
  readonly location = 'memory';
  readonly objects: Map<string, Uint8Array>;

  constructor(objects: ReadonlyMap<string, Uint8Array>) {
    this.objects = new Map(objects);
  }

  put(key: string, content: Uint8Array): Promise<void> {
    this.objects.set(key, content);
    return Promise.resolve();
  }

  get(key: string, bytesMax: number): Promise<Uint8Array | undefined> {
    const content = this.objects.get(key);
    if (content !== undefined && content.length > bytesMax) return Promise.reject(new Error(`"${key}" is larger than ${bytesMax} bytes`));
    return Promise.resolve(content);
  }

  list(prefix: string): Promise<string[]> {
    return Promise.resolve([...this.objects.keys()].filter((key) => key.startsWith(prefix)).toSorted());
  }

  remove(key: string): Promise<void> {
    this.objects.delete(key);
    return Promise.resolve();
  }
}

/** c2sp.org/tlog-tiles: groups of three digits, all but the last prefixed with x. */
function tilePath(level: string, index: number, width: number): string {
  const digits = String(index).padStart(Math.ceil(String(index).length / 3) * 3, '0');
  const groups = digits.match(/\d{3}/g) ?? [];
  const path = groups.map((group, at) => (at < groups.length - 1 ? `x${group}` : group)).join('/');
  return `tile/${level}/${path}${width < 256 ? `.p/${width}` : ''}`;
}

/** The archive of the first `size` leaves, as docs/formats/ledger.md (Retention and archive) has it: shares nothing with src/. */
export function makeArchive(made: MadeLedger, size: number): Map<string, Uint8Array> {
  const leaves = made.leaves.slice(0, size);
  const objects = new Map<string, Uint8Array>();
  for (let from = 0; from < size; from += 256) {
    const bundle = leaves.slice(from, from + 256);
    objects.set(tilePath('entries', from / 256, bundle.length), joinFrames(bundle));
  }
  let hashes = leaves.map((leaf) => sha256(Buffer.of(0), leaf));
  for (let level = 0; hashes.length > 0; level++) {
    const above: Buffer[] = [];
    for (let from = 0; from < hashes.length; from += 256) {
      const tile = hashes.slice(from, from + 256);
      objects.set(tilePath(String(level), from / 256, tile.length), Buffer.concat(tile));
      if (tile.length === 256) above.push(rootOf(tile));
    }
    hashes = above;
  }
  objects.set('checkpoint', Buffer.from(signCheckpoint(made.origin, size, treeRoot(leaves), made.signingKey)));
  return objects.set('log.vkey', Buffer.from(`${made.verifierKey}\n`));
}

function rootOf(hashes: readonly Buffer[]): Buffer {
  if (hashes.length === 1) return hashes[0];
  const half = hashes.length / 2;
  return sha256(Buffer.of(1), rootOf(hashes.slice(0, half)), rootOf(hashes.slice(half)));
}
