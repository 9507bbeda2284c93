import { EXIT_OK, type Command, type CommandIo } from './command.ts';
import { Faults, parseOptions } from './options.ts';
import { toSafeText } from './safe-text.ts';
import type { SidecarClient } from './sidecar-client.ts';
import { fieldsOf, itemsOf, textOf, toVersion, versionLine } from './versions-answer.ts';
import { EXIT_CODES, openClient, readWords, SIDECAR_OPTIONS, SIDECAR_USAGE, withSidecar } from './versions-common.ts';
import { writeOut } from './write-out.ts';

/** Of one answer; the next one goes on behind it. */
const PAGE = '500';

export const versionsList: Command = {
  name: 'versions list',
  summary: 'print all artifacts, or the versions of one',
  usage: `usage: pproofs versions list [NAME] [OPTIONS]

Artifacts by name with their heads; or the state of an artifact, the ETag of its head, and its versions, newest first.

options:
  --lines N           at most so many (default: all)
${SIDECAR_USAGE}
  --json              one JSON object a line

${EXIT_CODES}`,

  async run(args, io) {
    const { values, positionals } = parseOptions(args, { ...SIDECAR_OPTIONS, lines: { type: 'string', short: 'n' } });
    const faults = new Faults();
    const [name] = readWords(faults, positionals, ['NAME'], 1);
    const linesMax = faults.integer('--lines', values.lines, 1, Number.MAX_SAFE_INTEGER) ?? Number.MAX_SAFE_INTEGER;
    const client = openClient(values, faults, io);
    const isJson = values.json === true;
    return withSidecar('versions list', client, io, () =>
      name === undefined ? listArtifacts(client, io, isJson, linesMax) : listVersions(client, io, name, isJson, linesMax),
    );
  },
};

async function listArtifacts(client: SidecarClient, io: CommandIo, isJson: boolean, linesMax: number): Promise<number> {
  let lines = 0;
  for (let after: string | undefined = ''; after !== undefined && lines < linesMax;) {
    const answer = await client.json({ path: 'versions', query: { after, limit: PAGE } });
    for (const artifact of itemsOf(answer['artifacts']).slice(0, linesMax - lines)) {
      const { name, head } = fieldsOf(artifact);
      const text = isJson
        ? JSON.stringify(artifact)
        : `${toSafeText(textOf(name) ?? '')}${stateOf(artifact)}\n${versionLine(toVersion(head))}`;
      await writeOut(io.stdout, `${text}\n`);
      lines++;
    }
    const next = textOf(answer['next']);
    // A cursor that does not go on would have us ask for ever.
    after = next !== undefined && next > after ? next : undefined;
  }
  return EXIT_OK;
}

async function listVersions(client: SidecarClient, io: CommandIo, name: string, isJson: boolean, linesMax: number): Promise<number> {
  let lines = 0;
  for (let before: number | undefined = Number.MAX_SAFE_INTEGER; before !== undefined && lines < linesMax;) {
    const answer = await client.json({ path: `versions/${name}`, query: { before: String(before), limit: PAGE } });
    if (lines === 0 && !isJson) await writeOut(io.stdout, `${name}  ${toVersion(answer['head']).etag}${stateOf(answer)}\n`);
    for (const version of itemsOf(answer['versions']).slice(0, linesMax - lines)) {
      await writeOut(io.stdout, `${isJson ? JSON.stringify(version) : versionLine(toVersion(version))}\n`);
      lines++;
    }
    const next: unknown = answer['next'];
    before = typeof next === 'number' && next < before ? next : undefined;
  }
  return EXIT_OK;
}

/** What is out of the ordinary about an artifact. */
function stateOf(artifact: unknown): string {
  const { hold, legalHold, confirm, pins, oldest } = fieldsOf(artifact);
  const { before, revertsTo } = fieldsOf(confirm);
  const states = [
    hold === undefined ? '' : `held: ${textOf(fieldsOf(hold)['reason']) ?? ''}`,
    legalHold === undefined ? '' : `legal hold: ${textOf(fieldsOf(legalHold)['reason']) ?? ''}`,
    confirm === undefined ? '' : `back to ${String(revertsTo)} unless confirmed before ${textOf(before) ?? ''}`,
    itemsOf(pins).length === 0 ? '' : `pinned: ${itemsOf(pins).map(String).join(', ')}`,
    typeof oldest === 'number' && oldest > 1 ? `contents from ${oldest} on` : '',
  ].filter((state) => state !== '');
  return states.length === 0 ? '' : `  (${toSafeText(states.join('; '))})`;
}
