import { assembleBundle, type Bundle } from '../../src/bundle/assemble.ts';
import {
  FILE_KINDS,
  formatEnvelope,
  formatManifest,
  formatStatement,
  PATHS,
  preAuthEncoding,
  type Manifest,
} from '../../src/bundle/format.ts';
import { writeZip } from '../../src/bundle/write-zip.ts';
import { toHex, utf8 } from '../../src/kernel/bytes.ts';
import { LEAF_TYPES } from '../../src/kernel/leaf.ts';
import { nodeHashes } from '../../src/kernel/node-hashes.ts';
import { parseVerifierKey } from '../../src/kernel/note.ts';
import type { Ledger } from '../../src/ledger/ports.ts';
import { readArchive } from '../../src/verify/bundle-archive.ts';
import { parseManifest } from '../../src/verify/bundle-manifest.ts';
import { batchOf, MemoryLedger } from './memory-ledger.ts';

/** 2026-01-02T03:04:05Z */
export const START_MS = 1_767_323_045_000;
const NS_PER_MS = 1_000_000n;
export const msToNs = (ms: number): bigint => BigInt(ms) * NS_PER_MS;

export interface Fixture {
  readonly ledger: MemoryLedger;
  /** Moves the clock. */
  readonly advance: (ms: number) => void;
  readonly nowMs: () => number;
  /** Builds the bundle of [START + fromMs, START + toMs). */
  readonly bundle: (fromMs: number, toMs: number) => Promise<Bundle>;
}

/** A ledger of a genesis leaf at 0 ms and `events` events, one each 100 ms after it, with all that a line can look like. */
export async function makeFixture(events: number, hmacKey: Uint8Array = new Uint8Array(32).fill(0x11)): Promise<Fixture> {
  let nowMs = START_MS;
  const ledger = new MemoryLedger({ clock: () => msToNs(nowMs), hmacKey });
  for (let i = 1; i <= events; i++) {
    nowMs += 100;
    if (i % 10 === 7) ledger.push({ type: 200, payload: Uint8Array.from([0, 255, 10, i]) });
    else if (i % 10 === 8)
      ledger.push({
        type: LEAF_TYPES.event,
        payload: utf8(`{"attributes":{"n":12345678901234567890.10},"message":"tagged ${i}"}`),
        requestTag: new Uint8Array(64).fill(i),
      });
    else
      await ledger.append({
        events: batchOf({ level: i % 3 === 0 ? 'error' : 'info', message: `ein Ereignis – nº ${i} "payload":{} \u2028 </script>\n` }),
      });
  }
  nowMs += 100;
  const clock = (): bigint => msToNs(nowMs);
  const sleep = (ms: number): Promise<void> => Promise.resolve(void (nowMs += ms));
  return {
    ledger,
    advance: (ms) => (nowMs += ms),
    nowMs: () => nowMs,
    bundle: (fromMs, toMs) =>
      assembleBundle(
        ledger,
        { fromNs: msToNs(START_MS + fromMs), toNs: msToNs(START_MS + toMs) },
        { clock, sleep, toolVersion: '0.0.0-test' },
      ),
  };
}

export type Files = Map<string, Uint8Array>;

export function unpack(bytes: Uint8Array): Files {
  return new Map(readArchive(bytes).map(({ path, content }) => [path, content]));
}

export const textOf = (files: Files, path: string): string => Buffer.from(files.get(path) ?? []).toString();

/** The bundle again with changed files and a manifest and signature that fit them: what a thief of the log key could make. */
export async function forge(
  ledger: Ledger,
  files: Files,
  change: (manifest: Manifest) => Manifest = (manifest) => manifest,
): Promise<Uint8Array> {
  const forged = new Map(files);
  const old = parseManifest(forged.get(PATHS.manifest) ?? new Uint8Array(0));
  const described = old.files.map((file) => {
    const content = forged.get(file.path) ?? new Uint8Array(0);
    return { path: file.path, bytes: content.length, sha256: toHex(nodeHashes.sha256(content)), ...kindOf(file.path) };
  });
  forged.set(PATHS.manifest, utf8(formatManifest(change({ ...old, files: described }))));
  forged.delete(PATHS.envelope);
  const subjects = [...forged.keys()]
    .toSorted()
    .map((name) => ({ name, sha256: toHex(nodeHashes.sha256(forged.get(name) ?? new Uint8Array(0))) }));
  const payload = utf8(formatStatement(subjects));
  const { keyId } = parseVerifierKey(nodeHashes, ledger.identity.verifierKey);
  forged.set(
    PATHS.envelope,
    utf8(formatEnvelope(payload, keyId.toString(16).padStart(8, '0'), await ledger.sign(preAuthEncoding(payload)))),
  );
  return writeZip(forged);
}

function kindOf(path: string) {
  const kind = FILE_KINDS.get(path);
  if (kind === undefined) throw new Error(`"${path}" is no file of a bundle`);
  return kind;
}
