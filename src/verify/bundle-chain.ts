import { equalBytes, fromUtf8, toHex } from '../kernel/bytes.ts';
import { chainMac, GENESIS_PREVIOUS_MAC, keyCommitment } from '../kernel/chain.ts';
import { nextEpochKey } from '../kernel/epoch.ts';
import { LEAF_TYPES, type Leaf } from '../kernel/leaf.ts';
import { nodeHashes } from '../kernel/node-hashes.ts';
import type { CheckedEntry } from './bundle-entries.ts';
import type { ReportBuilder } from './bundle-report.ts';
import type { EpochKeyCandidate, HmacKeyCandidate } from './chain-keys.ts';

export interface ChainInput {
  readonly hmacKeys: readonly HmacKeyCandidate[];
  readonly epochKeys: readonly EpochKeyCandidate[];
  readonly ledgerId: Uint8Array;
  readonly run: readonly CheckedEntry[];
  readonly placeOf: (index: number) => string;
}

export interface ChainOutcome {
  readonly compared: number;
  /** Leaves whose predecessor is there, but whose key no given one leads to. */
  readonly unreached: number;
}

/** A key is evolved epoch by epoch to where the bundle begins: no further than a year of one epoch a second, a minute of work. */
const EPOCHS_MAX = 1 << 25;

interface Walked {
  readonly compared: number;
  readonly unreached: number;
  readonly broken: readonly { readonly index: number; readonly seq: number }[];
}

/** Recomputes each MAC whose predecessor is in the bundle and whose epoch's key descends from a given one. */
export function checkChain(report: ReportBuilder, input: ChainInput): ChainOutcome {
  const { hmacKeys, epochKeys, run, placeOf } = input;
  const starts = [...hmacKeys.map(({ key }) => ({ epoch: 0, key })), ...epochKeys];
  // The key that makes most MACs is meant: which one it is, nothing else in a bundle says.
  const walks = starts.map((start) => walkFrom(input, start)).toSorted((a, b) => fitting(b) - fitting(a));
  const best = walks[0];
  if (best === undefined || best.compared === 0) return { compared: 0, unreached: best?.unreached ?? 0 };
  if (fitting(best) === 0) {
    const place = { file: placeOf(0), seqFirst: best.broken[0].seq, seqLast: best.broken[best.broken.length - 1].seq };
    const found = `none that fits: another ledger’s key, one from after a rotation (then its epoch.key is needed), or every entry was written anew`;
    report.found('KEY_MISMATCH', place, 'MACs made with the given HMAC key', found);
    return { compared: 0, unreached: run.length };
  }
  for (const { index, seq } of best.broken) {
    report.found('TAMPERED', { file: placeOf(index), seqFirst: seq, seqLast: seq }, 'a MAC that continues the chain', 'another MAC');
  }
  return best;
}

function fitting({ compared, broken }: Walked): number {
  return compared - broken.length;
}

function walkFrom({ hmacKeys, ledgerId, run }: ChainInput, start: { readonly epoch: number; readonly key: Uint8Array }): Walked {
  const broken: { index: number; seq: number }[] = [];
  let [compared, unreached] = [0, 0];
  let running: { epoch: number; key: Uint8Array } | undefined = start;
  let rotation: string | undefined;
  for (const [index, { leaf }] of run.entries()) {
    if (leaf === undefined) continue;
    running = running === undefined ? undefined : evolve(running, leaf.epoch, ledgerId);
    if (rotation !== undefined && leaf.type !== LEAF_TYPES.epochSeal && leaf.type !== LEAF_TYPES.minuteSummary) {
      const commitment = rotation;
      const root = hmacKeys.find(({ key }) => toHex(keyCommitment(nodeHashes, key, ledgerId)) === commitment);
      running = root === undefined ? undefined : { epoch: leaf.epoch, key: root.key };
      rotation = undefined;
    }
    const previousMac = leaf.seq === 0 ? GENESIS_PREVIOUS_MAC : run[index - 1]?.leaf?.mac;
    if (previousMac !== undefined) {
      if (running?.epoch !== leaf.epoch) unreached++;
      else {
        compared++;
        if (!equalBytes(chainMac(nodeHashes, running.key, ledgerId, previousMac, leaf.bytes), leaf.mac))
          broken.push({ index, seq: leaf.seq });
      }
    }
    if (leaf.type === LEAF_TYPES.keyRotate) rotation = rotationOf(leaf);
  }
  return { compared, unreached, broken };
}

function evolve(
  running: { readonly epoch: number; readonly key: Uint8Array },
  epoch: number,
  ledgerId: Uint8Array,
): { epoch: number; key: Uint8Array } | undefined {
  if (epoch - running.epoch > EPOCHS_MAX) return undefined;
  let { key } = running;
  for (let next = running.epoch + 1; next <= epoch; next++) key = nextEpochKey(nodeHashes, key, ledgerId, next);
  return { epoch: Math.max(epoch, running.epoch), key };
}

/** Hex of the new root's commitment; '' (which fits no key) when the leaf cannot be read. */
function rotationOf({ payload }: Leaf): string {
  try {
    return /"keyCommitment":"([0-9a-f]{64})"/.exec(fromUtf8(payload))?.[1] ?? '';
  } catch {
    return '';
  }
}
