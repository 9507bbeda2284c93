import { EXIT_OK, type Command } from './command.ts';
import { Faults, parseOptions } from './options.ts';
import type { SidecarRequest } from './sidecar-client.ts';
import { toVersion, versionLine } from './versions-answer.ts';
import { EXIT_CODES, openClient, readWords, SIDECAR_OPTIONS, SIDECAR_USAGE, withSidecar } from './versions-common.ts';
import { writeOut } from './write-out.ts';

/** The small changes, which differ in little but their words. */
interface Switch {
  readonly verb: string;
  readonly summary: string;
  readonly about: string;
  readonly method: NonNullable<SidecarRequest['method']>;
  /** Behind the name of the artifact; `:version` is the second word. */
  readonly path: string;
  readonly needsReason?: true;
  /** `--legal` asks for this path instead. */
  readonly legalPath?: string;
}

const LEGAL = '  --legal             a legal hold: retention removes nothing of this artifact, changes are taken\n';

export const versionsConfirm = toCommand({
  verb: 'confirm',
  summary: 'keep the head that waits to be confirmed',
  about: 'Without it the version before comes back when the time that was set with the change is over.',
  method: 'POST',
  path: 'confirm',
});

export const versionsHold = toCommand({
  verb: 'hold',
  summary: 'refuse changes to an artifact until it is released',
  about: 'A rollback is still possible: a hold keeps automatic changes away while somebody finds out what is wrong.',
  method: 'PUT',
  path: 'hold',
  needsReason: true,
  legalPath: 'legal-hold',
});

export const versionsRelease = toCommand({
  verb: 'release',
  summary: 'take changes to a held artifact again',
  about: 'Says nothing against an artifact that is not held.',
  method: 'DELETE',
  path: 'hold',
  legalPath: 'legal-hold',
});

export const versionsPin = toCommand({
  verb: 'pin',
  summary: 'keep a version from retention',
  about: 'Its content stays whatever PROOFS_VERSIONS_KEEP says.',
  method: 'PUT',
  path: ':version/pin',
});

export const versionsUnpin = toCommand({
  verb: 'unpin',
  summary: 'let retention remove a version again',
  about: 'It goes with the others of its age.',
  method: 'DELETE',
  path: ':version/pin',
});

function toCommand({ verb, summary, about, method, path, needsReason, legalPath }: Switch): Command {
  const words = path.startsWith(':version') ? ['NAME', 'VERSION'] : ['NAME'];
  const name = `versions ${verb}`;
  return {
    name,
    summary,
    usage: `usage: pproofs ${name} ${words.join(' ')} ${needsReason === true ? '--reason TEXT ' : ''}[OPTIONS]

${about}

options:
  --reason TEXT       why${needsReason === true ? '; mandatory' : ''}
  --actor NAME        who
${legalPath === undefined ? '' : LEGAL}${SIDECAR_USAGE}
  --json              print the artifact as JSON

${EXIT_CODES}`,

    async run(args, io) {
      const options = { ...SIDECAR_OPTIONS, reason: { type: 'string' }, actor: { type: 'string' }, legal: { type: 'boolean' } } as const;
      const { values, positionals } = parseOptions(args, options);
      const faults = new Faults();
      const [artifact, version] = readWords(faults, positionals, words);
      faults.integer('VERSION', version, 1, Number.MAX_SAFE_INTEGER);
      const { reason, actor } = values;
      if (needsReason === true && (reason ?? '').trim() === '') faults.add('--reason is needed');
      if (values.legal === true && legalPath === undefined) faults.add('--legal has no meaning here');
      const client = openClient(values, faults, io);
      const below = (values.legal === true ? legalPath : undefined) ?? path.replace(':version', version ?? '');
      return withSidecar(name, client, io, async () => {
        const headers = { 'x-reason': reason, 'x-actor': actor };
        const answer = await client.json({ method, path: `versions/${artifact}/${below}`, headers });
        const line = `${[artifact, verb, version].join(' ').trim()}; head: ${versionLine(toVersion(answer['head'])).trim()}`;
        await writeOut(io.stdout, `${values.json === true ? JSON.stringify(answer) : line}\n`);
        return EXIT_OK;
      });
    },
  };
}
