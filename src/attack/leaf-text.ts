import { LEAF_MAC_BYTES } from '../kernel/leaf.ts';

const MESSAGE_FIELD = Buffer.from('"message":"');
const LETTER = /[A-Za-z0-9]/;

/** Offset in the leaf of the message's first character, when it is a letter or digit that another can stand for. */
export function messagePlace(leaf: Buffer): number | undefined {
  const field = leaf.indexOf(MESSAGE_FIELD);
  const at = field + MESSAGE_FIELD.length;
  return field >= 0 && at < leaf.length - LEAF_MAC_BYTES && LETTER.test(String.fromCharCode(leaf[at])) ? at : undefined;
}

/** Another character in the same place: JSON stays canonical, lengths stay equal. */
export function otherLetter(character: number): Buffer {
  return Buffer.of(character === 0x58 ? 0x59 : 0x58);
}

/** The leaf with another message of the same length. */
export function withOtherMessage(leaf: Buffer): Buffer {
  const at = messagePlace(leaf);
  const copy = Buffer.from(leaf);
  if (at !== undefined) copy.set(otherLetter(copy[at]), at);
  return copy;
}
