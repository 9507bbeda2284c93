import { globSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { EXPECTABLE_VERDICTS, NEEDS } from '../../src/attack/attack.ts';
import { CATALOGUE, findAttack } from '../../src/attack/catalogue.ts';
import { VERDICT_EXIT_CODES } from '../../src/verify/verdict.ts';

/** The catalogue of the design, phrase by phrase, and which attack is meant by it. A phrase without an attack is a promise not kept. */
const PROMISED: Readonly<Record<string, readonly string[]>> = {
  'full rewrite and re-sign with every secret on the disk at epoch n': ['full-rewrite', 'delete-past', 'back-date-past'],
  'bit flip': ['bit-flip', 'edit-keep-times'],
  'edit + rehash of tiles': ['edit-rehash'],
  'edit + own signature': ['edit-own-signature'],
  're-MAC with a stolen current key': ['remac-stolen-key', 'rewrite-running'],
  insert: ['insert'],
  'delete middle': ['delete-middle'],
  'delete + renumber': ['delete-renumber'],
  'delete head': ['delete-head'],
  'truncate at a frame': ['truncate-frame'],
  'truncate inside a frame': ['truncate-inside-frame'],
  'truncate to the last checkpoint or seal': ['truncate-to-checkpoint', 'truncate-to-seal'],
  'truncate and regrow': ['truncate-regrow'],
  'drop seals of the last epoch': ['drop-seals'],
  silence: ['silence-stop', 'silence-kill'],
  reorder: ['reorder'],
  replay: ['replay'],
  'splice from another ledger': ['splice-other-ledger'],
  'splice from an earlier life': ['splice-other-life'],
  'delete a middle or the last segment': ['delete-segment', 'delete-last-segment'],
  'swap segment names': ['swap-segment-names'],
  'duplicate segment': ['duplicate-segment'],
  'whole-directory rollback': ['rollback-directory'],
  'checkpoint rollback': ['checkpoint-rollback'],
  'malformed notes': ['note-key-id-collision', 'note-repeated-lines', 'note-crlf', 'note-leading-zeros', 'note-many-signatures'],
  'trust-root swap': ['swap-trust-root', 'swap-verifier-key'],
  'key file swap': ['swap-key-file'],
  'downgrade or unseal': ['zero-macs', 'unseal'],
  'counter wrap': ['counter-wrap'],
  'clock rewind or jump': ['clock-rewind', 'clock-jump'],
  equivocation: ['equivocation'],
  'second writer': ['second-writer'],
  'fake torn tail': ['fake-torn-tail'],
  'hole punch, zero fill, collapse': ['hole-punch', 'zero-fill', 'collapse-range'],
  'mmap store': ['mmap-store'],
  'store to an already dirty page': ['mmap-store-dirty'],
  'hard link, bind mount, other namespace': ['hard-link-write', 'bind-mount-write'],
  'rename-over, exchange, symlink, directory swap, overmount': ['rename-over', 'exchange', 'symlink', 'directory-swap', 'overmount'],
  'blinding the watcher': ['blind-watcher', 'blind-canary'],
  'index edit': ['index-edit'],
  'tile-only edit': ['tile-edit', 'tile-entry-edit'],
  'watermark and lock edit': ['watermark-edit', 'watermark-erase', 'lock-edit'],
  'non-canonical bytes': ['non-canonical'],
  'foreign append': ['foreign-append'],
  'hostile verifier input': ['hostile-length', 'hostile-names'],
  'crash loop': ['crash-shave'],
  'lying disk': ['lying-disk'],
  'benign controls': ['benign-torn-write', 'benign-backup', 'benign-chmod', 'benign-log-rotation'],
};

test('the catalogue holds what was promised and nothing that stands under no promise', () => {
  expect(CATALOGUE.map(({ name }) => name).toSorted()).toEqual(Object.values(PROMISED).flat().toSorted());
});

test('every attack has a name of its own, in words that a shell needs not quote, and is found by it', () => {
  for (const attack of CATALOGUE) {
    expect(attack.name).toMatch(/^[a-z]+(-[a-z]+)*$/);
    expect(findAttack(attack.name)).toBe(attack);
  }
  expect(new Set(CATALOGUE.map(({ name }) => name)).size).toBe(CATALOGUE.length);
  expect(findAttack('no-such-attack')).toBeUndefined();
});

test('every file of an attack is in the catalogue', async () => {
  const listed = new Set<unknown>(CATALOGUE);
  // What is in live/ does attacks and holds none.
  for (const path of globSync('src/attack/*/*.ts', { exclude: ['src/attack/live/**'] })) {
    const module = (await import(pathToFileURL(resolve(path)).href)) as Record<string, unknown>;
    for (const [name, value] of Object.entries(module)) expect([path, name, listed.has(value)]).toEqual([path, name, true]);
  }
});

test('expected verdicts are verdicts of the verifier, and needs are documented', () => {
  for (const verdict of EXPECTABLE_VERDICTS) expect(Object.keys(VERDICT_EXIT_CODES)).toContain(verdict);
  for (const { needs } of CATALOGUE) for (const need of needs) expect(Object.keys(NEEDS)).toContain(need);
});

test('a harmful attack is green for nobody who holds an anchor, and OK_UNANCHORED with the root key only where the limit is documented', () => {
  const harmful = CATALOGUE.filter(({ isHarmful }) => isHarmful);
  expect(harmful.filter(({ expected }) => expected.anchor.startsWith('OK_')).map(({ name }) => name)).toEqual([]);
  expect(harmful.filter(({ expected }) => expected.root.startsWith('OK_')).map(({ name }) => name)).toEqual([
    // Rollbacks to a state that really was, and what lies in the epoch whose key was stolen: docs/formats/ledger.md says so.
    'rewrite-running',
    'equivocation',
    'truncate-to-seal',
    'lying-disk',
    'rollback-directory',
  ]);
});
