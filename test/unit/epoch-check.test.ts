import { describe, expect, it } from 'vitest';
import { EPOCH_LEAVES_MAX } from '../../src/kernel/epoch.ts';
import { LEAF_TYPES } from '../../src/kernel/leaf.ts';
import { NO_PREVIOUS_MAC } from '../../src/verify/chain-mac.ts';
import { acceptEpoch, epochFault, loseEpoch, spoilEpoch } from '../../src/verify/epoch-check.ts';
import { initialState, type SegmentState } from '../../src/verify/segment-state.ts';

/** A ledger that seals, right after its genesis leaf. */
function sealingState(): SegmentState {
  const state = initialState(NO_PREVIOUS_MAC);
  acceptEpoch(state, LEAF_TYPES.genesis, 0, { origin: 'log', epochPolicy: 'seal/v1', epochKey: 'key' });
  state.seq = 1;
  return state;
}

/** Accepts events and answers the number of the first one after which the epoch is found to be overdue. */
function firstOverdue(state: SegmentState, seqFrom: number, seqTo: number): number | undefined {
  for (state.seq = seqFrom; state.seq < seqTo; state.seq++) {
    if (acceptEpoch(state, LEAF_TYPES.event, state.epoch.min, undefined) !== undefined) return state.seq;
  }
  return undefined;
}

describe('the epochs of leaves', () => {
  it('may hold as many leaves as the document says and one large request more, and then sealing has stopped', () => {
    const tolerated = EPOCH_LEAVES_MAX + 65_536;
    expect(firstOverdue(sealingState(), tolerated - 10, tolerated)).toBeUndefined();
    expect(firstOverdue(sealingState(), tolerated - 10, tolerated + 10)).toBe(tolerated);
  });

  it('stay known over a damaged leaf that was no seal, and go on by one over one that was', () => {
    const state = sealingState();
    spoilEpoch(state, 1);
    expect([epochFault(state.epoch, 0, 2), epochFault(state.epoch, 1, 2), epochFault(state.epoch, 2, 2)?.found]).toEqual([
      undefined,
      undefined,
      'epoch 2, without a seal of epoch 1',
    ]);
    acceptEpoch(state, LEAF_TYPES.event, 0, undefined);
    expect([state.epoch.min, state.epoch.max, state.epoch.firstSeq]).toEqual([0, 0, 0]);
    spoilEpoch(state, 1);
    acceptEpoch(state, LEAF_TYPES.event, 1, undefined);
    expect([state.epoch.min, state.epoch.max, state.epoch.firstSeq, state.epoch.verifierKey]).toEqual([1, 1, undefined, undefined]);
  });

  it('may have gone on by as many as leaves are missing, and no further', () => {
    const state = sealingState();
    loseEpoch(state, 5);
    expect([epochFault(state.epoch, 5, 2), epochFault(state.epoch, 6, 2)?.expected]).toEqual([undefined, 'epoch 0']);
  });
});
