import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeLedger, treeRoot, writeLedger } from '../support/make-ledger.ts';
import { SAMPLE_REQUESTS } from '../support/sample-ledger.ts';

/**
 * Writes test/golden/ledger-v1 and README.md. Run by hand, once per format version: what is committed must never change, since
 * every later release has to open it and find the same root.
 */
const FOLDER = import.meta.dirname;
const HEX_DIGITS_PER_LINE = 96;

const made = makeLedger({ requests: SAMPLE_REQUESTS });
const target = join(FOLDER, 'ledger-v1');
rmSync(target, { recursive: true, force: true });
writeLedger(made.files, target);

function hexBlock(bytes: Uint8Array): string {
  return (
    Buffer.from(bytes)
      .toString('hex')
      .match(new RegExp(`.{1,${HEX_DIGITS_PER_LINE}}`, 'g')) ?? []
  ).join('\n');
}

function leafSection(leaf: Uint8Array, seq: number): string {
  const bytes = Buffer.from(leaf);
  const flags = bytes.readUInt16BE(2);
  const payload = bytes.subarray((flags & 4) === 0 ? 24 : 88, -32);
  const text = bytes[1] <= 16 ? payload.toString() : `${payload.toString('hex')} (hex)`;
  const parts = [
    `## Leaf ${seq}`,
    `type ${bytes[1]}, flags 0x${flags.toString(16).padStart(4, '0')}, time ${bytes.readBigUInt64BE(16)}, ${bytes.length} bytes. Payload:`,
  ];
  return [...parts, `\`\`\`\n${text}\n\`\`\``, 'Leaf:', `\`\`\`\n${hexBlock(bytes)}\n\`\`\``].join('\n\n');
}

const checkpoint = Buffer.from(made.files.get('ledger/checkpoint') ?? []).toString();
const readme = `# Golden ledger, format v1

Made by \`node test/golden/make.ts\` with a reference writer that follows [docs/formats/ledger.md](../../docs/formats/ledger.md) and shares no code with the product. Every release must open \`ledger-v1/\` and find the same root. The keys in it are public by design: never use them.

| | |
| --- | --- |
| K (hmac.key) | 32 bytes of 0x11 |
| Ed25519 seed (log.key) | 32 bytes of 0x22 |
| ledger id | 16 bytes of 0x33 |
| origin | \`${made.origin}\` |
| verifier key | \`${made.verifierKey}\` |
| leaves | ${made.leaves.length} |
| root | \`${treeRoot(made.leaves).toString('hex')}\` |

Checkpoint:

\`\`\`
${checkpoint.trimEnd()}
\`\`\`

Every leaf in hex, header first, MAC last; in the segment file each follows its u16 length.

${made.leaves.map(leafSection).join('\n\n')}
`;
writeFileSync(join(FOLDER, 'README.md'), readme);
