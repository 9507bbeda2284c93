import { toHex, utf8 } from '../kernel/bytes.ts';
import { publicKeyPem } from '../kernel/ed25519.ts';
import { assertInvariant } from '../kernel/errors.ts';
import { nodeHashes } from '../kernel/node-hashes.ts';
import { parseVerifierKey } from '../kernel/note.ts';
import type { Ledger } from '../ledger/ports.ts';
import type { CollectedEntries } from './collect-entries.ts';
import {
  ARCHIVE_PATHS,
  FILE_KINDS,
  formatEnvelope,
  formatManifest,
  formatProof,
  formatStatement,
  PATHS,
  preAuthEncoding,
  type BundleWindow,
  type Manifest,
} from './format.ts';
import type { ProvedRun } from './select-run.ts';
import { renderPage } from './render-page.ts';
import { VERIFY_GUIDE } from './verify-guide.ts';

export interface BundleContent {
  readonly window: BundleWindow;
  readonly entries: CollectedEntries;
  readonly run: ProvedRun;
  readonly toolVersion: string;
}

/** Every file of the bundle by path, signed. */
export async function buildFiles(ledger: Ledger, content: BundleContent): Promise<Map<string, Uint8Array>> {
  const { identity } = ledger;
  const { window, entries, run, toolVersion } = content;
  const key = parseVerifierKey(nodeHashes, identity.verifierKey);
  const ledgerId = toHex(identity.ledgerId);
  const files = new Map<string, Uint8Array>();
  const add = (path: string, text: string): unknown => files.set(path, utf8(text));
  add(PATHS.guide, VERIFY_GUIDE);
  add(PATHS.checkpoint, run.checkpoint);
  add(PATHS.edges, run.edgesNdjson);
  add(PATHS.publicKey, publicKeyPem(key.publicKey));
  add(PATHS.verifierKey, `${identity.verifierKey}\n`);
  add(PATHS.proof, formatProof(run.runFirst, run.size, run.hashes));
  add(PATHS.events, entries.ndjson);
  const timeline = await renderPage({
    origin: identity.origin,
    ledgerId,
    verifierKey: identity.verifierKey,
    from: window.from,
    to: window.to,
    checkpoint: run.checkpoint,
    proof: { first: run.runFirst, size: run.size, hashes: run.hashes.map(toHex) },
    edgesNdjson: run.edgesNdjson,
    eventsNdjson: entries.ndjson,
    toolVersion,
  });
  add(PATHS.timeline, timeline);
  const manifest: Manifest = {
    toolVersion,
    createdAt: window.to,
    origin: identity.origin,
    ledgerId,
    window,
    checkpoint: { size: run.size, root: run.root },
    counts: entries.counts,
    files: ARCHIVE_PATHS.filter((path) => FILE_KINDS.has(path)).map((path) => describe(path, files)),
  };
  add(PATHS.manifest, formatManifest(manifest));
  add(PATHS.envelope, await signFiles(ledger, files, key.keyId));
  return files;
}

function describe(path: string, files: ReadonlyMap<string, Uint8Array>) {
  const kind = FILE_KINDS.get(path);
  const content = files.get(path);
  assertInvariant(kind !== undefined && content !== undefined, `nothing was made for "${path}"`);
  return { path, bytes: content.length, sha256: toHex(nodeHashes.sha256(content)), ...kind };
}

/** One signature over the names and hashes of all files, the manifest among them. */
async function signFiles(ledger: Ledger, files: ReadonlyMap<string, Uint8Array>, keyId: number): Promise<string> {
  const subjects = [...files.keys()].toSorted().map((name) => {
    const content = files.get(name);
    assertInvariant(content !== undefined, `nothing was made for "${name}"`);
    return { name, sha256: toHex(nodeHashes.sha256(content)) };
  });
  const payload = utf8(formatStatement(subjects));
  const signature = await ledger.sign(preAuthEncoding(payload));
  return formatEnvelope(payload, keyId.toString(16).padStart(8, '0'), signature);
}
