import { describe, expect, it } from 'vitest';
import { recordText } from '../../src/bundle/timeline/app/record-text.ts';

const seal = { bootId: 'b', count: 3, epoch: 7, final: false, firstSeq: 10, wallNs: '1' };

describe('a ledger record in the timeline', () => {
  it.each<[string, Record<string, unknown>, string]>([
    ['epoch-seal', seal, 'Epoch 7 sealed, its key wiped: 3 entries, 10 to 12'],
    ['epoch-seal', { ...seal, count: 0, final: true }, 'Epoch 7 sealed, its key wiped: no entries; the sidecar stopped in good order'],
    ['key-rotate', { firstEpoch: 8, keyCommitment: 'ab' }, 'The keys were rotated: from epoch 8 on they descend from another root key'],
    ['clock-step', { stepMs: -2500 }, 'The clock was set back by 2.5 seconds'],
    ['clock-step', { stepMs: 3600000 }, 'The clock was set forward by 3600 seconds'],
    [
      'tamper',
      { byteFirst: 1, byteLast: 9, evidence: 'mtime set back', file: 'x.seg', kind: 'content', seqFirst: 4, seqLast: 5 },
      'Tampering was detected: content in x.seg, entries 4 to 5: mtime set back',
    ],
    [
      'tamper',
      { byteFirst: 1, byteLast: 9, evidence: 'e', file: 'checkpoint', kind: 'content', seqFirst: null, seqLast: null },
      'Tampering was detected: content in checkpoint, bytes 1 to 9: e',
    ],
    ['config', { epochKey: 'k', epochPolicy: 'seal/v1' }, 'From here on this ledger seals its keys'],
    [
      'config',
      { archive: 's3://b/p', pruned: { before: 131072, from: 65536 } },
      'Retention removed the entries from 65536 up to before 131072, archived in s3://b/p',
    ],
    ['witness', { cosignatures: ['a', 'b'], size: 99 }, '2 witnesses cosigned the first 99 entries'],
    ['witness', { key: 'k', origin: 'peer.example', root: 'r', size: 5 }, 'Cosigned the first 5 entries of peer.example'],
    [
      'version-change',
      {
        action: 'rollback',
        actor: 'alice',
        attempt: 'a',
        from: { sha256: 'ab'.repeat(32), version: 7 },
        name: 'app.json',
        outcome: 'done',
        reason: 'errors after the deploy',
        restores: 3,
        to: { bytes: 9, sha256: 'cd'.repeat(32), version: 8 },
      },
      'Rollback of app.json by alice: version 7 [abababababab] to version 8 [cdcdcdcdcdcd], with the content of version 3 (errors after the deploy)',
    ],
    [
      'version-change',
      {
        action: 'put',
        code: 'version-conflict',
        detail: '"a" is at version 2',
        name: 'a',
        outcome: 'refused',
        to: { bytes: 1, sha256: 'ef'.repeat(32) },
      },
      'New version of a, refused: [efefefefefef]: "a" is at version 2',
    ],
    ['version-change', { action: 'hold', name: 'a', outcome: 'failed', reason: 'audit' }, 'Hold of a, failed (audit)'],
  ])('of type %s says in words what happened (%#)', (type, fields, text) => {
    expect(recordText(type, fields, '{}')).toBe(text);
  });

  it('of an unknown type, or without its fields, shows its payload or question marks and never fails', () => {
    expect(recordText('type 200', {}, 'x'.repeat(400))).toBe(`${'x'.repeat(300)}…`);
    expect(recordText('config', {}, '{"archive":1}')).toBe('{"archive":1}');
    expect(recordText('epoch-seal', {}, '{}')).toBe('Epoch ? sealed, its key wiped: no entries');
  });
});
