import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fromBase64, toBase64, utf8 } from '../../src/kernel/bytes.ts';
import {
  cosignedAt,
  cosignedMessage,
  cosignerKeyId,
  formatCosignature,
  formatCosignerKey,
  parseCosignerKey,
} from '../../src/kernel/cosignature.ts';
import { generateEd25519, publicKeyPem, rawPublicKey, signEd25519, verifyEd25519 } from '../../src/kernel/ed25519.ts';
import { nodeHashes } from '../../src/kernel/node-hashes.ts';
import { formatCheckpointText, formatNote, formatVerifierKey, NoteFormatError, noteKeyId, parseCheckpoint } from '../../src/kernel/note.ts';
import { tempDir } from '../support/temp-dir.ts';
import { runTool } from '../support/tools.ts';

const logKey = generateEd25519();
const witnessKey = generateEd25519();
const witnessPublic = rawPublicKey(witnessKey);
const name = 'example.com/log/witness';
const key = parseCosignerKey(nodeHashes, formatCosignerKey(nodeHashes, name, witnessPublic));
const TIME_S = 1_679_315_147;

const text = formatCheckpointText({ origin: 'example.com/log', size: 42, root: new Uint8Array(32).fill(5) });
const logId = noteKeyId(nodeHashes, 'example.com/log', rawPublicKey(logKey));
const note = formatNote(text, { name: 'example.com/log', keyId: logId }, signEd25519(logKey, utf8(text)));
const line = formatCosignature(key, TIME_S, signEd25519(witnessKey, cosignedMessage(text, TIME_S)));

function timeOf(whole: string): number | undefined {
  return cosignedAt(parseCheckpoint(whole), key, verifyEd25519);
}

describe('a cosignature', () => {
  it('covers the three lines that the specification prints', () => {
    const root = fromBase64('CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=');
    const example = formatCheckpointText({ origin: 'example.com/behind-the-sofa', size: 20_852_163, root: root ?? new Uint8Array(0) });
    expect(Buffer.from(cosignedMessage(example, TIME_S)).toString()).toBe(
      'cosignature/v1\ntime 1679315147\nexample.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n',
    );
  });

  it('tells its time when the key made it', () => {
    expect(timeOf(note + line)).toBe(TIME_S);
  });

  it('is accepted by openssl, which knows nothing of us', () => {
    using dir = tempDir();
    const file = (base: string, content: string | Uint8Array): string => {
      const path = join(dir.path, base);
      writeFileSync(path, content);
      return path;
    };
    const field = fromBase64(line.trim().split(' ')[2]) ?? new Uint8Array(0);
    const signature = file('sig', field.subarray(12));
    const message = file('message', `cosignature/v1\ntime ${Buffer.from(field).readBigUInt64BE(4)}\n${text}`);
    const publicKey = file('key.pem', publicKeyPem(witnessPublic));
    const args = ['pkeyutl', '-verify', '-pubin', '-inkey', publicKey, '-rawin', '-in', message, '-sigfile', signature];
    expect(runTool('openssl', args)).toMatchObject({ status: 0 });
    expect(
      runTool('openssl', [
        ...args.slice(0, -1),
        file(
          'other',
          field.subarray(12).map((byte) => byte ^ 1),
        ),
      ]).status,
    ).not.toBe(0);
  });

  it('of another time, text or key is none', () => {
    const moved = formatCosignature(key, TIME_S + 1, signEd25519(witnessKey, cosignedMessage(text, TIME_S)));
    const larger = formatCheckpointText({ origin: 'example.com/log', size: 43, root: new Uint8Array(32).fill(5) });
    const elsewhere = formatCosignature(key, TIME_S, signEd25519(witnessKey, cosignedMessage(larger, TIME_S)));
    const foreign = formatCosignature(key, TIME_S, signEd25519(logKey, cosignedMessage(text, TIME_S)));
    for (const bad of [moved, elsewhere, foreign]) expect(timeOf(note + bad)).toBeUndefined();
  });

  it('counts for nothing when a second line claims the same key', () => {
    expect(timeOf(note + line + line)).toBeUndefined();
    const junk = formatCosignature(key, TIME_S, new Uint8Array(64));
    expect(timeOf(note + line + junk)).toBeUndefined();
  });

  it('is not a plain signature of the same key over the checkpoint', () => {
    const plain = formatNote(text, key, signEd25519(witnessKey, utf8(text)));
    expect(timeOf(plain)).toBeUndefined();
  });

  it('with a time beyond 2^53 − 1 is none', () => {
    const field = fromBase64(line.trim().split(' ')[2]) ?? new Uint8Array(0);
    field[4] = 0xff;
    expect(timeOf(`${note}— ${name} ${toBase64(field)}\n`)).toBeUndefined();
  });
});

describe('a cosigner key', () => {
  it('has another id than the same key of a log', () => {
    expect(cosignerKeyId(nodeHashes, name, witnessPublic)).not.toBe(noteKeyId(nodeHashes, name, witnessPublic));
  });

  it('is not read from the verifier key of a log', () => {
    expect(() => parseCosignerKey(nodeHashes, formatVerifierKey(nodeHashes, name, witnessPublic))).toThrow(NoteFormatError);
  });
});
