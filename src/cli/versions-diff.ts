import { EXIT_OK, type Command } from './command.ts';
import { Faults, parseOptions } from './options.ts';
import { toSafeText } from './safe-text.ts';
import { fieldsOf, itemsOf, textOf } from './versions-answer.ts';
import { EXIT_CODES, openClient, readWords, SIDECAR_OPTIONS, SIDECAR_USAGE, withSidecar } from './versions-common.ts';
import { writeOut } from './write-out.ts';

export const versionsDiff: Command = {
  name: 'versions diff',
  summary: 'print what differs between two versions',
  usage: `usage: pproofs versions diff NAME FROM TO [OPTIONS]

JSON by JSON Pointer, text as a unified diff, other contents as ranges of bytes.

options:
${SIDECAR_USAGE}
  --json              print the whole answer as JSON

${EXIT_CODES}`,

  async run(args, io) {
    const { values, positionals } = parseOptions(args, SIDECAR_OPTIONS);
    const faults = new Faults();
    const [name, from, to] = readWords(faults, positionals, ['NAME', 'FROM', 'TO']);
    faults.integer('FROM', from, 1, Number.MAX_SAFE_INTEGER);
    faults.integer('TO', to, 1, Number.MAX_SAFE_INTEGER);
    const client = openClient(values, faults, io);
    return withSidecar('versions diff', client, io, async () => {
      const answer = await client.json({ path: `versions/${name}/diff`, query: { from, to } });
      const lines = values.json === true ? [JSON.stringify(answer)] : diffLines(answer, io.useColor);
      for (const line of lines) await writeOut(io.stdout, `${line}\n`);
      return EXIT_OK;
    });
  },
};

function diffLines(diff: Readonly<Record<string, unknown>>, useColor: boolean): string[] {
  const paint = (text: string): string => {
    const color = text.startsWith('+') ? 32 : text.startsWith('-') ? 31 : 0;
    return useColor && color > 0 ? `\u{1b}[${color}m${toSafeText(text)}\u{1b}[0m` : toSafeText(text);
  };
  const unified = textOf(diff['unified']);
  const lines =
    unified === undefined
      ? [...itemsOf(diff['changes']).flatMap(changeLines), ...itemsOf(diff['ranges']).map(rangeLine)]
      : unified.replace(/\n$/, '').split('\n');
  const shown = lines.length === 0 || (lines.length === 1 && lines[0] === '') ? ['the contents are the same'] : lines;
  return [...shown.map(paint), ...(diff['isCapped'] === true ? ['… more differs than is listed'] : [])];
}

function changeLines(change: unknown): string[] {
  const { op, path, old, new: now } = fieldsOf(change);
  const place = textOf(path) ?? '';
  const before = `- ${place}: ${JSON.stringify(old)}`;
  const after = `+ ${place}: ${JSON.stringify(now)}`;
  return op === 'add' ? [after] : op === 'remove' ? [before] : [before, after];
}

function rangeLine(range: unknown): string {
  const { oldAt, oldBytes, newAt, newBytes } = fieldsOf(range);
  return `${String(oldBytes)} bytes at ${String(oldAt)} became ${String(newBytes)} bytes at ${String(newAt)}`;
}
