import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { EXIT_ERROR, EXIT_OK, type Command, type CommandIo } from './command.ts';
import { installFile } from './install-file.ts';
import { Faults, parseOptions } from './options.ts';
import { createProgressBar } from './progress-bar.ts';
import { toSafeText } from './safe-text.ts';
import { SidecarError } from './sidecar-client.ts';
import { toVersion } from './versions-answer.ts';
import { EXIT_CODES, openClient, readWords, SIDECAR_OPTIONS, SIDECAR_USAGE, withSidecar } from './versions-common.ts';
import { writeOut } from './write-out.ts';

const ETAG = /^"(\d{1,16})-([0-9a-f]{64})"$/;

export const versionsGet: Command = {
  name: 'versions get',
  summary: 'fetch the content of a version',
  usage: `usage: pproofs versions get NAME [VERSION | --at TIME] [OPTIONS]

The head unless a version or a time is given. The hash of what arrives is checked; FILE is replaced whole or not at all.

options:
  --at TIME           the version that was the head at that time (RFC 3339, a date, or 2h ago)
  --output FILE       where it goes (default: standard output)
${SIDECAR_USAGE}
  --json              with --output: print {"name","version","sha256","bytes","file"}

${EXIT_CODES}`,

  async run(args, io) {
    const { values, positionals } = parseOptions(args, { ...SIDECAR_OPTIONS, at: { type: 'string' }, output: { type: 'string' } });
    const faults = new Faults();
    const [name, word] = readWords(faults, positionals, ['NAME', 'VERSION'], 1);
    const given = faults.integer('VERSION', word, 1, Number.MAX_SAFE_INTEGER);
    if (given !== undefined && values.at !== undefined) faults.add('VERSION and --at contradict each other');
    if (values.json === true && values.output === undefined) faults.add('--json is for --output: standard output has the content');
    const client = openClient(values, faults, io);
    return withSidecar('versions get', client, io, async () => {
      const { at, output } = values;
      const version = at === undefined ? given : toVersion(await client.json({ path: `versions/${name}`, query: { at } })).version;
      const response = await client.ask({ path: `versions/${name}/${version ?? 'head'}` });
      const content = describe(response);
      if (output === undefined) return print(client.chunks(response), content.sha256, io);
      await installFile(output, withBar(client.chunks(response), content.bytes, output, io), content);
      const text = `${name} version ${content.version}, ${content.bytes} bytes, in ${toSafeText(output)}`;
      await writeOut(io.stdout, `${values.json === true ? JSON.stringify({ name, ...content, file: output }) : text}\n`);
      return EXIT_OK;
    });
  },
};

/** Which version it is, from its ETag; throws SidecarError when that is none. */
function describe({ headers }: IncomingMessage): { readonly version: number; readonly sha256: string; readonly bytes: number } {
  const [, version, sha256] = ETAG.exec(headers.etag ?? '') ?? [];
  const bytes = Number(headers['content-length'] ?? Number.NaN);
  if (sha256 === undefined || !Number.isSafeInteger(bytes))
    throw new SidecarError('strange', 'the answer does not say which version it is; that may be no sidecar');
  return { version: Number(version), sha256, bytes };
}

async function print(chunks: AsyncIterable<Uint8Array>, sha256: string, io: CommandIo): Promise<number> {
  const hash = createHash('sha256');
  for await (const chunk of chunks) {
    hash.update(chunk);
    await new Promise<void>((resolve, reject) => {
      io.stdout.write(chunk, (error?: Error | null) => (error === undefined || error === null ? resolve() : reject(error)));
    });
  }
  if (hash.digest('hex') === sha256) return EXIT_OK;
  io.stderr.write('pproofs versions get: what came is not the version that was asked for: its hash is another\n');
  return EXIT_ERROR;
}

async function* withBar(chunks: AsyncIterable<Uint8Array>, bytes: number, file: string, io: CommandIo): AsyncGenerator<Uint8Array> {
  const bar = io.isTerminal ? createProgressBar(io.stderr, true, file, undefined, 'bytes') : undefined;
  let done = 0;
  try {
    for await (const chunk of chunks) {
      done += chunk.length;
      bar?.update(done, bytes, done);
      yield chunk;
    }
  } finally {
    bar?.finish();
  }
}
