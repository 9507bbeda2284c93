import { describe, expect, it } from 'vitest';
import { utf8 } from '../../src/kernel/bytes.ts';
import { generateEd25519, rawPublicKey, signEd25519, verifyEd25519 } from '../../src/kernel/ed25519.ts';
import { nodeHashes } from '../../src/kernel/node-hashes.ts';
import {
  formatCheckpointText,
  formatNote,
  formatVerifierKey,
  isSignedBy,
  NoteFormatError,
  parseCheckpoint,
  parseVerifierKey,
} from '../../src/kernel/note.ts';

const privateKey = generateEd25519();
const publicKey = rawPublicKey(privateKey);
const name = 'example.com/log';
const verifierKey = formatVerifierKey(nodeHashes, name, publicKey);
const key = parseVerifierKey(nodeHashes, verifierKey);
const text = formatCheckpointText({ origin: name, size: 42, root: new Uint8Array(32).fill(5) });
const note = formatNote(text, key, signEd25519(privateKey, utf8(text)));

describe('a verifier key', () => {
  it('is the one that the signed-note specification prints', () => {
    // The example of c2sp.org/signed-note and golang.org/x/mod/sumdb/note.
    const known = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
    const parsed = parseVerifierKey(nodeHashes, known);
    expect(parsed.name).toBe('PeterNeumann');
    expect(formatVerifierKey(nodeHashes, parsed.name, parsed.publicKey)).toBe(known);
  });

  it.each([
    '',
    'a+b',
    `${verifierKey}x`,
    verifierKey.replace(/\+[0-9a-f]{8}\+/, '+00000000+'),
    verifierKey.replace('example', 'exam ple'),
    verifierKey.slice(0, -4),
  ])('is refused as %j', (bad) => {
    expect(() => parseVerifierKey(nodeHashes, bad)).toThrow(NoteFormatError);
  });
});

describe('a checkpoint', () => {
  it('comes back from its note and verifies with its key alone', () => {
    const checkpoint = parseCheckpoint(note);
    expect(checkpoint).toMatchObject({ origin: name, size: 42, text });
    expect(isSignedBy(checkpoint, key, verifyEd25519)).toBe(true);
    const other = parseVerifierKey(nodeHashes, formatVerifierKey(nodeHashes, name, rawPublicKey(generateEd25519())));
    expect(isSignedBy(checkpoint, other, verifyEd25519)).toBe(false);
    expect(isSignedBy(parseCheckpoint(note.replace('\n42\n', '\n43\n')), key, verifyEd25519)).toBe(false);
  });

  it('with the same signature line twice counts as unsigned', () => {
    const line = note.slice(note.indexOf('—'));
    expect(isSignedBy(parseCheckpoint(note + line), key, verifyEd25519)).toBe(false);
  });

  it.each([
    ['leading zero', note.replace('\n42\n', '\n042\n')],
    ['plus sign', note.replace('\n42\n', '\n+42\n')],
    ['hex size', note.replace('\n42\n', '\n0x2a\n')],
    ['size beyond 2^53', note.replace('\n42\n', '\n9007199254740993\n')],
    ['carriage returns', note.replaceAll('\n', '\r\n')],
    ['extension line', note.replace('\n\n—', '\nmore\n\n—')],
    ['no final newline', note.slice(0, -1)],
    ['no signature', `${text}\n`],
    ['short root', note.replace(/\n42\n.*\n/, '\n42\nAAAA\n')],
    ['base64 with other spelling', note.replace('BQU=\n', 'BQV=\n')],
    ['a million signatures', `${text}\n${note.slice(note.indexOf('—')).repeat(10_000)}`],
    ['control character', note.replace(name, 'example.com/l\u0007g')],
    ['lone surrogate', note.replace(name, 'example.com/l\ud800g')],
  ])('is refused with %s', (_name, bad) => {
    expect(bad).not.toBe(note);
    expect(() => parseCheckpoint(bad)).toThrow(NoteFormatError);
  });
});
