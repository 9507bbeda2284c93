import { access, constants } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { EXIT_OK, UsageError, type Command, type CommandIo } from './command.ts';
import { hashFile, installFile, removeLeftovers } from './install-file.ts';
import { Faults, parseOptions } from './options.ts';
import { readEvents } from './read-events.ts';
import { toSafeText } from './safe-text.ts';
import { SidecarError, type SidecarClient } from './sidecar-client.ts';
import { toVersion, versionLine, type AnsweredVersion } from './versions-answer.ts';
import { EXIT_CODES, openClient, readWords, SIDECAR_OPTIONS, SIDECAR_USAGE, withSidecar } from './versions-common.ts';
import { writeOut } from './write-out.ts';

/** Three heartbeats of the sidecar: a connection that says less is dead. */
const SILENCE_MS_MAX = 45_000;
/** Pauses between attempts, doubled each time. */
const RETRY_MS_MIN = 100;
const RETRY_MS_MAX = 5000;
/** A share of the pause that is left to chance, so that many clients do not come back in one moment. */
const RETRY_SPREAD = 0.25;
/** Refusals that no waiting heals. */
const FINAL: ReadonlySet<number | undefined> = new Set([400, 401, 403, 404]);

export const versionsSync: Command = {
  name: 'versions sync',
  summary: 'keep a file what the head of an artifact is',
  usage: `usage: pproofs versions sync NAME FILE [OPTIONS]

Writes the head to FILE now and at every change, until it is stopped (Ctrl-C): a new file beside it, its hash checked, moved into place, so
that readers and crashes see the old content or the new one. Mode and owner of FILE stay. While the sidecar is away FILE stays as it is.

options:
  --once              end when FILE is what the head is now
${SIDECAR_USAGE}
  --json              one JSON object a line for each change

${EXIT_CODES}`,

  async run(args, io) {
    const { values, positionals } = parseOptions(args, { ...SIDECAR_OPTIONS, once: { type: 'boolean' } });
    const faults = new Faults();
    const [name, file] = readWords(faults, positionals, ['NAME', 'FILE']);
    const client = openClient(values, faults, io);
    await access(dirname(file), constants.W_OK).catch((cause: unknown) => {
      throw new UsageError(`files cannot be made in "${dirname(file)}"`, { cause });
    });
    await removeLeftovers(file);
    const copy = new SyncedFile(name, file, client, io, values.json === true);
    return withSidecar('versions sync', client, io, async () => {
      if (values.once === true)
        await copy.bringUp(toVersion((await client.json({ path: `versions/${name}`, query: { limit: '1' } }))['head']));
      else await keepCurrent(copy, name, client, io);
      return EXIT_OK;
    });
  },
};

/** Follows the artifact until the signal; a sidecar that is away is asked again and again. */
async function keepCurrent(copy: SyncedFile, name: string, client: SidecarClient, io: CommandIo): Promise<void> {
  let said = '';
  for (let failures = 0; !io.signal.aborted; failures++) {
    const startMs = performance.now();
    const succeeded = (): void => {
      [failures, said] = [0, ''];
    };
    const trouble = await followOnce(copy, name, client, succeeded);
    if (io.signal.aborted) return;
    // It went well for a while, though nothing changed.
    if (performance.now() - startMs > RETRY_MS_MAX) succeeded();
    if (trouble !== said) io.stderr.write(`pproofs versions sync: ${toSafeText(trouble)}; trying again\n`);
    said = trouble;
    await delay(pauseMs(failures), undefined, { signal: io.signal }).catch(() => undefined);
  }
}

/** One connection, to its end; answers what ended it. Throws SidecarError when no further one would do better. */
async function followOnce(copy: SyncedFile, name: string, client: SidecarClient, succeeded: () => void): Promise<string> {
  let isFirst = true;
  let isFollowing = false;
  try {
    const response = await client.ask({ path: `versions/${name}/events`, silenceMsMax: SILENCE_MS_MAX });
    isFollowing = true;
    for await (const events of readEvents(client.chunks(response))) {
      const newest = events.findLast(({ event }) => event === 'head');
      if (newest === undefined) continue;
      // The first one is how things are, whatever was before: a sidecar that was restored from a copy may have gone back.
      await copy.bringUp(toVersion(JSON.parse(newest.data)), isFirst);
      isFirst = false;
      succeeded();
    }
  } catch (error) {
    if (error instanceof SidecarError && !isFollowing && FINAL.has(error.status)) throw error;
    return error instanceof Error ? error.message : String(error);
  }
  return 'the sidecar has ended the connection';
}

function pauseMs(failures: number): number {
  const ms = Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** failures);
  return ms * (1 - RETRY_SPREAD * Math.random());
}

/** The file, and what is known to be in it. */
class SyncedFile {
  #known: { readonly version: number; readonly etag: string } | undefined;
  readonly #name: string;
  readonly #file: string;
  readonly #client: SidecarClient;
  readonly #io: CommandIo;
  readonly #isJson: boolean;

  constructor(name: string, file: string, client: SidecarClient, io: CommandIo, isJson: boolean) {
    this.#name = name;
    this.#file = file;
    this.#client = client;
    this.#io = io;
    this.#isJson = isJson;
  }

  /** Makes the file what `head` is. `isCertain`: also when that is older than what it holds. */
  async bringUp(head: AnsweredVersion, isCertain = true): Promise<void> {
    if (this.#known?.etag === head.etag || (!isCertain && this.#known !== undefined && head.version <= this.#known.version)) return;
    const isThere = (await hashFile(this.#file)) === head.sha256;
    if (!isThere) {
      const response = await this.#client.ask({ path: `versions/${this.#name}/${head.version}` });
      await installFile(this.#file, this.#client.chunks(response), head);
    }
    this.#known = head;
    const line = `${toSafeText(this.#file)} ${isThere ? 'is' : 'is now'} ${this.#name} ${versionLine(head).trim()}`;
    await writeOut(
      this.#io.stdout,
      `${this.#isJson ? JSON.stringify({ name: this.#name, file: this.#file, isWritten: !isThere, ...head }) : line}\n`,
    );
  }
}
