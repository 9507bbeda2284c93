import { parseCosignerKey } from '../kernel/cosignature.ts';
import { nodeHashes } from '../kernel/node-hashes.ts';
import { NoteFormatError, parseVerifierKey, type VerifierKey } from '../kernel/note.ts';
import { AnchorError } from './anchor-error.ts';

/** Each has a file and a place in memory; a fleet larger than this wants a witness of its own kind. */
const LOGS_MAX = 1000;
/** A note carries 16 signatures and two of them are our own. */
const WITNESSES_MAX = 14;

/** A witness of this ledger. */
export interface WitnessPeer {
  /** Where its add-checkpoint is, without a slash at the end. */
  readonly url: string;
  readonly key: VerifierKey;
}

/** Origin → keys that may sign for it. One verifier key a line, the key's name is the origin; `#` begins a comment. */
export function parseTrustedLogs(text: string, source: string): ReadonlyMap<string, readonly VerifierKey[]> {
  const logs = new Map<string, VerifierKey[]>();
  parseLines(text, source, LOGS_MAX, (line) => {
    const key = parseVerifierKey(nodeHashes, line);
    logs.set(key.name, [...(logs.get(key.name) ?? []), key]);
  });
  return logs;
}

/** One witness a line: address, white space, cosigner key. */
export function parseWitnesses(text: string, source: string): readonly WitnessPeer[] {
  const peers: WitnessPeer[] = [];
  parseLines(text, source, WITNESSES_MAX, (line) => {
    const [address, keyText, more] = line.split(/\s+/);
    if (keyText === undefined || more !== undefined) throw new NoteFormatError('a witness is an address, a space and a key');
    const url = URL.canParse(address) ? new URL(address) : undefined;
    if (url === undefined || !['http:', 'https:'].includes(url.protocol) || url.search !== '' || url.hash !== '')
      throw new NoteFormatError(`"${address.slice(0, 64)}" is no http or https address`);
    const key = parseCosignerKey(nodeHashes, keyText);
    if (peers.some((peer) => peer.key.name === key.name)) throw new NoteFormatError(`the witness "${key.name}" stands here twice`);
    peers.push({ url: url.href.replace(/\/$/, ''), key });
  });
  return peers;
}

/** Gathers every fault before it throws. */
function parseLines(text: string, source: string, linesMax: number, parse: (line: string) => void): void {
  const faults: string[] = [];
  const lines = text.split('\n').map((line, index) => ({ content: line.replace(/#.*$/, '').trim(), number: index + 1 }));
  const used = lines.filter(({ content }) => content !== '');
  if (used.length > linesMax) faults.push(`${source} has more than ${linesMax} entries`);
  for (const { content, number } of used.slice(0, linesMax)) {
    try {
      parse(content);
    } catch (error) {
      if (!(error instanceof NoteFormatError)) throw error;
      faults.push(`${source}, line ${number}: ${error.message}`);
    }
  }
  if (faults.length > 0) throw new AnchorError('bad-config', faults.join('\n'));
}
