import type { KeyObject } from 'node:crypto';
import type { Json } from '../kernel/canonical-json.ts';
import { EMPTY_BATCH } from '../kernel/event-batch.ts';
import type { VerifierKey } from '../kernel/note.ts';
import type { Ledger } from '../ledger/ports.ts';
import type { WitnessAnswer } from './ask-witness.ts';
import { isSameDevice, openWitnessKey, readList, witnessFiles } from './witness-files.ts';
import { parseTrustedLogs, parseWitnesses, type WitnessPeer } from './witness-lists.ts';
import { WitnessRounds, type WitnessedCheckpoint } from './witness-rounds.ts';
import { Witness } from './witness.ts';

/** A leaf with the cosignatures of others comes at most this often: every leaf is a new head that asks for new cosignatures. */
const COSIGNATURES_EVERY_MS = 10 * 60_000;

/** The settings that concern anchors; the checkpoint lock itself is opened by the writer's thread. */
export interface AnchorSettings {
  readonly dataDir: string;
  readonly keysDir: string;
  readonly anchor:
    | { readonly kind: 'off'; readonly isChosen: boolean; readonly reason: string }
    | { readonly kind: 'file'; readonly dir: string }
    | { readonly kind: 'redis' };
  readonly witnessLogsFile: string | undefined;
  readonly witnessesFile: string | undefined;
  readonly witnessSeconds: number;
}

/** What happens at the anchors, for counters and the log. */
export interface AnchorEvents {
  witnessAnswered(witness: string, answer: WitnessAnswer): void;
  /** A leaf or a copy could not be written; nothing rests on it. */
  witnessRecordFailed(error: unknown): void;
}

/** What the settings name, read before the ledger is opened so that a wrong line starts nothing. */
export interface AnchorInputs {
  readonly settings: AnchorSettings;
  readonly witnessKey: KeyObject | undefined;
  readonly logs: ReadonlyMap<string, readonly VerifierKey[]>;
  readonly peers: readonly WitnessPeer[];
  /** Why a rollback of the whole folder might go unnoticed. */
  readonly warnings: readonly string[];
}

/** The anchors of one running sidecar. */
export interface Anchors {
  /** Undefined when this sidecar is no witness. */
  readonly witness: Witness | undefined;
  readonly rounds: WitnessRounds;
  /** Why `/readyz` is degraded. */
  warnings(): readonly string[];
}

/** Throws AnchorError `bad-config` or `bad-key`. */
export async function readAnchorInputs(settings: AnchorSettings): Promise<AnchorInputs> {
  const { witnessLogsFile, witnessesFile, keysDir } = settings;
  const peers = witnessesFile === undefined ? [] : parseWitnesses(await readList(witnessesFile), witnessesFile);
  const warnings = await lockWarnings(settings);
  if (witnessLogsFile === undefined) return { settings, witnessKey: undefined, logs: new Map(), peers, warnings };
  const logs = parseTrustedLogs(await readList(witnessLogsFile), witnessLogsFile);
  return { settings, witnessKey: await openWitnessKey(keysDir), logs, peers, warnings };
}

async function lockWarnings({ anchor, dataDir }: AnchorSettings): Promise<string[]> {
  // Who switched it off knows; the start's log line says it all the same.
  if (anchor.kind === 'off') return anchor.isChosen ? [] : [`there is no checkpoint lock: ${anchor.reason}`];
  if (anchor.kind !== 'file' || (await isSameDevice(anchor.dir, dataDir)) === false) return [];
  return [`the checkpoint lock in ${anchor.dir} is on the same device as the ledger: whoever rolls back the disk rolls back both`];
}

export function openAnchors(inputs: AnchorInputs, ledger: Ledger, events: AnchorEvents): Anchors {
  const { settings, witnessKey, logs, peers, warnings } = inputs;
  const files = witnessFiles(settings.dataDir);
  const record = (payload: Json): void => {
    ledger
      .append({ events: EMPTY_BATCH, record: { type: 'witness', payload } })
      .catch((error: unknown) => events.witnessRecordFailed(error));
  };
  const witness =
    witnessKey === undefined ? undefined : new Witness({ key: witnessKey, name: `${ledger.identity.origin}/witness`, logs, files, record });
  let recordedMs = -Infinity;
  const keep = async ({ note, size, cosignatures }: WitnessedCheckpoint): Promise<void> => {
    await files.replaceWitnessed(note);
    if (performance.now() - recordedMs < COSIGNATURES_EVERY_MS) return;
    recordedMs = performance.now();
    record({ cosignatures: cosignatures.map((line) => line.trimEnd()), size });
  };
  const rounds = new WitnessRounds({
    peers,
    ledger,
    intervalMs: settings.witnessSeconds * 1000,
    keep,
    answered: (peer, answer) => events.witnessAnswered(peer.key.name, answer),
    keepFailed: (error) => events.witnessRecordFailed(error),
  });
  return { witness, rounds, warnings: () => [...warnings, ...rounds.conflicts] };
}
