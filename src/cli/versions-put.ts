import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline, Readable, Transform } from 'node:stream';
import { EXIT_ERROR, EXIT_OK, UsageError, type Command, type CommandIo } from './command.ts';
import { Faults, parseOptions } from './options.ts';
import { createProgressBar } from './progress-bar.ts';
import { quoted } from './quoted-etag.ts';
import { SidecarError, type SidecarClient } from './sidecar-client.ts';
import { toVersion, versionLine } from './versions-answer.ts';
import { EXIT_CODES, openClient, readWords, SIDECAR_OPTIONS, SIDECAR_USAGE, withSidecar } from './versions-common.ts';
import { writeOut } from './write-out.ts';

const CONFIRM_S_MAX = 86_400;

export const versionsPut: Command = {
  name: 'versions put',
  summary: 'store the next version of an artifact',
  usage: `usage: pproofs versions put NAME FILE (--first | --if-match ETAG | --latest) [OPTIONS]      ("-" reads standard input)

Says which version the change is based on, so that two writers never overwrite each other unseen.

options:
  --first             there is no such artifact yet
  --if-match ETAG     the head is this version: NUMBER-SHA256, as "versions list NAME" shows it
  --latest            whatever the head is now, or none: for a single writer
  --reason TEXT       why; becomes part of the version and of the ledger
  --actor NAME        who
  --confirm-within S  seconds (1 to ${CONFIRM_S_MAX}) in which "versions confirm" must follow; otherwise the version before comes back
  --key KEY           a repetition with the same one stores nothing twice
${SIDECAR_USAGE}
  --json              print the version as JSON

${EXIT_CODES}`,

  async run(args, io) {
    const { values, positionals } = parseOptions(args, {
      ...SIDECAR_OPTIONS,
      first: { type: 'boolean' },
      'if-match': { type: 'string' },
      latest: { type: 'boolean' },
      reason: { type: 'string' },
      actor: { type: 'string' },
      'confirm-within': { type: 'string' },
      key: { type: 'string' },
    });
    const faults = new Faults();
    const [name, file] = readWords(faults, positionals, ['NAME', 'FILE']);
    const { 'if-match': etag } = values;
    if ([values.first, etag, values.latest].filter((each) => each !== undefined).length !== 1)
      faults.add('one of --first, --if-match and --latest is needed: which version is the change based on?');
    const confirmWithin = faults.integer('--confirm-within', values['confirm-within'], 1, CONFIRM_S_MAX);
    const client = openClient(values, faults, io);
    const content = await openContent(file, io);
    return withSidecar('versions put', client, io, async () => {
      const sent = watchContent(content, file, io);
      const answer = await client.json({
        method: 'PUT',
        path: `versions/${name}`,
        query: { confirmWithin: confirmWithin?.toString() },
        headers: {
          ...(values.first === true ? { 'if-none-match': '*' } : { 'if-match': etag === undefined ? undefined : quoted(etag) }),
          ...(values.latest === true ? await headCondition(client, name) : {}),
          'x-reason': values.reason,
          'x-actor': values.actor,
          'idempotency-key': values.key,
        },
        body: { chunks: sent.chunks, bytes: content.bytes },
      });
      sent.finish();
      const version = toVersion(answer);
      await writeOut(
        io.stdout,
        `${values.json === true ? JSON.stringify({ name, ...answer }) : `${name} ${versionLine(version).trim()}`}\n`,
      );
      if (version.sha256 === sent.sha256()) return EXIT_OK;
      io.stderr.write(`pproofs versions put: what is stored is not what was sent: ${version.sha256} instead of ${sent.sha256()}\n`);
      return EXIT_ERROR;
    });
  },
};

interface Content {
  readonly chunks: Readable;
  /** Undefined where only reading it tells. */
  readonly bytes: number | undefined;
}

async function openContent(file: string, io: CommandIo): Promise<Content> {
  if (file === '-') return { chunks: Readable.from(io.stdin), bytes: undefined };
  try {
    const found = await stat(file);
    // Of pipes, and of files that the kernel makes up, the size says nothing. A file that grows meanwhile is sent as long as it was.
    const size = found.isFile() && found.size > 0 ? found.size : undefined;
    const chunks = createReadStream(file, size === undefined ? {} : { end: size - 1 });
    await new Promise((resolve, reject) => chunks.once('open', resolve).once('error', reject));
    return { chunks, bytes: size };
  } catch (cause) {
    throw new UsageError(`"${file}" cannot be read`, { cause });
  }
}

/** The same bytes on their way, with a bar and a hash. */
function watchContent(
  { chunks, bytes }: Content,
  file: string,
  io: CommandIo,
): { readonly chunks: Readable; sha256(): string; finish(): void } {
  const bar = io.isTerminal ? createProgressBar(io.stderr, true, file, undefined, 'bytes') : undefined;
  const hash = createHash('sha256');
  let sent = 0;
  const watched = new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      hash.update(chunk);
      sent += chunk.length;
      bar?.update(sent, bytes, sent);
      done(null, chunk);
    },
  });
  pipeline(chunks, watched, () => bar?.finish());
  return { chunks: watched, sha256: () => hash.digest('hex'), finish: () => bar?.finish() };
}

/** The ETag of the head, or that there is none yet. */
async function headCondition(client: SidecarClient, name: string): Promise<Record<string, string>> {
  try {
    const { head } = await client.json({ path: `versions/${name}`, query: { limit: '1' } });
    return { 'if-match': toVersion(head).etag };
  } catch (error) {
    if (error instanceof SidecarError && error.status === 404) return { 'if-none-match': '*' };
    throw error;
  }
}
