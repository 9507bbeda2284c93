import { utf8 } from '../../../kernel/bytes.ts';
import { isSignedBy, type SignedCheckpoint, type VerifierKey } from '../../../kernel/note.ts';
import type { Stage } from './stage.ts';

/** Checks the checkpoint's Ed25519 signature by WebCrypto. A browser that cannot do it says so: never a silent green. */
export async function checkCheckpoint(checkpoint: SignedCheckpoint, key: VerifierKey, keyId: string): Promise<Omit<Stage, 'label'>> {
  const own = checkpoint.signatures.find((signature) => signature.name === key.name && signature.keyId === key.keyId);
  if (own === undefined) return { outcome: 'bad', text: `the checkpoint is not signed by key ${keyId}` };
  let isGenuine: boolean;
  try {
    isGenuine = await verifyByWebCrypto(key.publicKey, utf8(checkpoint.text), own.signature);
  } catch {
    return { outcome: 'unchecked', text: 'signature not checked by this browser: it has no Ed25519 for pages opened from a file' };
  }
  // The kernel decides which signature counts; WebCrypto's answer is asynchronous, so it comes in as a fact.
  const isGood = isSignedBy(checkpoint, key, () => isGenuine);
  return isGood
    ? { outcome: 'good', text: `the checkpoint is signed by key ${keyId}` }
    : { outcome: 'bad', text: `the checkpoint's signature by key ${keyId} is wrong` };
}

async function verifyByWebCrypto(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<boolean> {
  const key = await crypto.subtle.importKey('raw', new Uint8Array(publicKey), { name: 'Ed25519' }, false, ['verify']);
  return crypto.subtle.verify({ name: 'Ed25519' }, key, new Uint8Array(signature), new Uint8Array(message));
}
