import { describe, expect, it } from 'vitest';
import { leafHash } from '../../src/kernel/hashes.ts';
import { parseLeaf } from '../../src/kernel/leaf.ts';
import { nodeHashes } from '../../src/kernel/node-hashes.ts';
import { checkChain, type ChainInput, type ChainOutcome } from '../../src/verify/bundle-chain.ts';
import { ReportBuilder } from '../../src/verify/bundle-report.ts';
import type { Finding } from '../../src/verify/finding.ts';
import { filled, makeLedger } from '../support/make-ledger.ts';
import { ROTATED_TO, SEALED_STEPS } from '../support/sample-ledger.ts';

/** MACs of a bundle's run of entries, whose epochs evolve and rotate. */
const made = makeLedger({ epochPolicy: 'seal/v1', requests: SEALED_STEPS });
const SIZE = made.leaves.length;
const rotation = made.leaves.findIndex((leaf) => leaf[1] === 6);
const root = (key: Uint8Array) => ({ label: 'root', key });
const epochKey = (epoch: number) => ({ label: 'epoch.key', ...made.epochs[epoch] });

function check(
  from: number,
  keys: Partial<Pick<ChainInput, 'hmacKeys' | 'epochKeys'>>,
  leaves: readonly Uint8Array[] = made.leaves,
): ChainOutcome & { findings: readonly Finding[] } {
  const report = new ReportBuilder();
  const run = leaves.slice(from).map((bytes) => {
    const leaf = parseLeaf(bytes);
    const hash = leafHash(nodeHashes, leaf.bytes);
    return { leaf, hash, statedHash: hash };
  });
  const outcome = checkChain(report, {
    hmacKeys: [],
    epochKeys: [],
    ledgerId: made.ledgerId,
    run,
    placeOf: () => 'events.ndjson',
    ...keys,
  });
  const facts = {
    bytes: 0,
    sha256: '',
    origin: null,
    ledgerId: null,
    verifierKey: null,
    from: null,
    to: null,
    entries: null,
    checkpointSize: null,
    macsChecked: 0,
  };
  return { ...outcome, findings: report.build(facts, false, { unanchored: true }).findings };
}

describe('the MACs of a bundle over epochs', () => {
  it('are all checked with the root keys, over a rotation', () => {
    const { compared, unreached, findings } = check(0, { hmacKeys: [root(made.hmacKey), root(ROTATED_TO.key)] });
    expect([compared, unreached, findings]).toEqual([SIZE, 0, []]);
  });

  it('are checked from within an epoch, whose key is evolved to there', () => {
    const { compared, unreached, findings } = check(5, { hmacKeys: [root(ROTATED_TO.key), root(made.hmacKey)] });
    expect([compared, unreached, findings]).toEqual([SIZE - 6, 0, []]);
  });

  it('are checked up to a rotation to a key that was not given, and the rest is counted', () => {
    const { compared, unreached, findings } = check(0, { hmacKeys: [root(made.hmacKey)] });
    expect([compared, unreached, findings]).toEqual([rotation + 2, SIZE - rotation - 2, []]);
  });

  it('are checked from the epoch of an epoch.key on', () => {
    const { compared, unreached, findings } = check(0, { epochKeys: [epochKey(2)] });
    const first = made.leaves.findIndex((leaf) => Buffer.from(leaf).readUInt32BE(12) === 2);
    expect([compared + unreached, findings]).toEqual([SIZE, []]);
    expect(unreached).toBe(first + (SIZE - rotation - 2));
  });

  it('name the entry whose MAC does not continue the chain', () => {
    const leaves = made.leaves.map((leaf, seq) => (seq === 5 ? Buffer.from(leaf).fill(0x20, 30, 31) : leaf));
    const { findings } = check(0, { hmacKeys: [root(made.hmacKey), root(ROTATED_TO.key)] }, leaves);
    expect(findings.map(({ verdict, place }) => [verdict, place.seqFirst])).toEqual([['TAMPERED', 5]]);
  });

  it('are a KEY_MISMATCH with a key that made none of them', () => {
    const { compared, findings } = check(0, { hmacKeys: [root(filled(32, 1))] });
    expect([compared, findings.map(({ verdict }) => verdict)]).toEqual([0, ['KEY_MISMATCH']]);
  });
});
