import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeLedger, writeLedger, type MadeLedger } from '../support/make-ledger.ts';
import { treeRoot } from '../support/reference-crypto.ts';
import { SAMPLE_REQUESTS, SEALED_STEPS } from '../support/sample-ledger.ts';

/**
 * Writes test/golden/ledger-v1 and ledger-v2 with what explains them. Run by hand, once per format version: what is committed must
 * never change, since every later release has to open it and find the same root.
 */
const FOLDER = import.meta.dirname;
const HEX_DIGITS_PER_LINE = 96;

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
  const epoch = bytes.readUInt32BE(12);
  const inEpoch = epoch === 0 ? '' : `epoch ${epoch}, `;
  const parts = [
    `## Leaf ${seq}`,
    `type ${bytes[1]}, flags 0x${flags.toString(16).padStart(4, '0')}, ${inEpoch}time ${bytes.readBigUInt64BE(16)}, ${bytes.length} bytes. Payload:`,
  ];
  return [...parts, `\`\`\`\n${text}\n\`\`\``, 'Leaf:', `\`\`\`\n${hexBlock(bytes)}\n\`\`\``].join('\n\n');
}

function writeGolden(name: string, readme: string, title: string, keyRows: readonly string[], made: MadeLedger): void {
  const target = join(FOLDER, name);
  rmSync(target, { recursive: true, force: true });
  writeLedger(made.files, target);
  const checkpoint = Buffer.from(made.files.get('ledger/checkpoint') ?? []).toString();
  const text = `# ${title}

Made by \`node test/golden/make.ts\` with a reference writer that follows [docs/formats/ledger.md](../../docs/formats/ledger.md) and shares no code with the product. Every release must open \`${name}/\` and find the same root. The keys in it are public by design: never use them.

| | |
| --- | --- |
${keyRows.map((row) => `${row}\n`).join('')}| Ed25519 seed (log.key) | 32 bytes of 0x22 |
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
  writeFileSync(join(FOLDER, readme), text);
}

const K_V1 = ['| K (hmac.key) | 32 bytes of 0x11 |'];
writeGolden('ledger-v1', 'README.md', 'Golden ledger, format v1', K_V1, makeLedger({ requests: SAMPLE_REQUESTS }));
const K_V2 = [
  '| K_0 (verification-0.key) | 32 bytes of 0x11 |',
  '| S_0 | 32 bytes of 0x44 |',
  '| root key after the rotation (verification.key) | 32 bytes of 0x88 |',
  '| seed after the rotation | 32 bytes of 0x99 |',
];
const sealed = makeLedger({ requests: SEALED_STEPS, epochPolicy: 'seal/v1' });
writeGolden('ledger-v2', 'README-v2.md', 'Golden ledger that seals its epochs', K_V2, sealed);
