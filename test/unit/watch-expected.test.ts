import { hash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ExpectedFile } from '../../src/watch/expected-file.ts';
import { ExpectedLedger } from '../../src/watch/expected-ledger.ts';

const sha256 = (text: string): string => hash('sha256', text, 'latin1');

describe('expected content of a file that the writer replaces', () => {
  it('accepts the old content until the new one has been seen, and never again', () => {
    const file = new ExpectedFile();
    file.adopt('old');
    file.announce('new');
    file.before();
    expect(file.matches('old')).toBe(true);
    expect(file.matches('new')).toBe(true);
    expect(file.matches('old')).toBe(false);
  });

  it('refuses what was replaced twice, although neither replacement was seen', () => {
    const file = new ExpectedFile();
    for (const content of ['first', 'second', 'third']) file.announce(content);
    file.before();
    expect(file.matches('first')).toBe(false);
    expect(file.matches('second')).toBe(true);
  });

  it('accepts every content that was announced while it was being read', () => {
    const file = new ExpectedFile();
    file.adopt('before');
    file.before();
    for (let i = 0; i < 50; i++) file.announce(`content ${i}`);
    expect(file.matches('content 17')).toBe(true);
    expect(file.matches('before')).toBe(false);
  });

  it('refuses what nobody announced', () => {
    const file = new ExpectedFile();
    file.announce('ours');
    expect(file.matches('theirs')).toBe(false);
    expect(file.matches('ours')).toBe(true);
  });

  it('goes back to the old content when the change failed and the old one was announced again', () => {
    const file = new ExpectedFile();
    file.announce('old');
    file.announce('new');
    file.announce('old');
    file.announce('newer');
    file.before();
    expect(file.matches('old')).toBe(true);
    expect(file.matches('newer')).toBe(true);
  });
});

describe('expected segments', () => {
  const piece = (first: number, from: number, to: number) => ({ kind: 'segment', first, from, to, sha256: sha256(`${from}`) }) as const;

  it('counts a piece as written once anything else is announced', () => {
    const ledger = new ExpectedLedger();
    ledger.apply(piece(0, 100, 150));
    const segment = ledger.written.get(0);
    expect(segment).toMatchObject({ baseBytes: 100, made: 100, end: 150 });
    ledger.apply({ kind: 'file', name: 'checkpoint', sha256: sha256('note') });
    expect(segment).toMatchObject({ made: 150, end: 150 });
  });

  it('forgets pieces that were cut off, also those already counted as written', () => {
    const ledger = new ExpectedLedger();
    ledger.apply(piece(0, 0, 50));
    ledger.apply(piece(0, 50, 90));
    ledger.apply(piece(7, 0, 10));
    ledger.apply({ kind: 'cut', first: 7, bytes: 0 });
    ledger.apply({ kind: 'cut', first: 0, bytes: 50 });
    expect(ledger.written.get(0)).toMatchObject({ made: 50, end: 50, cuts: 1 });
    expect(ledger.written.get(7)).toMatchObject({ made: 0, end: 0 });
    const segment = ledger.written.get(0);
    expect(segment?.takeCut()).toBe(50);
    expect(segment?.takeCut()).toBeUndefined();
    expect(segment?.nextPiece()).toMatchObject({ from: 0, to: 50 });
    segment?.shiftPiece();
    expect(segment?.nextPiece()).toBeUndefined();
  });

  it('takes a segment that was full at the start for sealed as soon as the next one begins', () => {
    const ledger = new ExpectedLedger();
    ledger.apply(piece(0, 800, 800));
    expect(ledger.written.get(0)?.sealedBytes).toBeUndefined();
    ledger.apply(piece(8, 0, 20));
    expect(ledger.written.get(0)?.sealedBytes).toBe(800);
    expect(ledger.written.get(8)?.sealedBytes).toBeUndefined();
  });

  it('does not take a segment for sealed that was written to and is still open', () => {
    const ledger = new ExpectedLedger();
    ledger.apply(piece(0, 800, 900));
    ledger.apply(piece(8, 0, 20));
    expect(ledger.written.get(0)?.sealedBytes).toBeUndefined();
    ledger.apply({ kind: 'sealed', first: 0, bytes: 900 });
    expect(ledger.written.get(0)?.sealedBytes).toBe(900);
  });
});
