import { EXIT_OK, type Command } from './command.ts';
import { Faults, parseOptions } from './options.ts';
import { quoted } from './quoted-etag.ts';
import { toSafeText } from './safe-text.ts';
import type { SidecarClient } from './sidecar-client.ts';
import { fieldsOf, textOf, toVersion, versionLine } from './versions-answer.ts';
import { EXIT_CODES, openClient, readWords, SIDECAR_OPTIONS, SIDECAR_USAGE, withSidecar } from './versions-common.ts';
import { writeOut } from './write-out.ts';

const CONFIRM_S_MAX = 86_400;

export const versionsRollback: Command = {
  name: 'versions rollback',
  summary: 'put an earlier version back, as a new version',
  usage: `usage: pproofs versions rollback NAME --to VERSION|TIME --reason TEXT [OPTIONS]

History is not rewritten: the rollback is a version of its own and can be taken back in the same way.

options:
  --to VERSION|TIME   the version whose content comes back; or a time (RFC 3339, or 2h ago): the head of that time
  --reason TEXT       why; mandatory, becomes part of the version and of the ledger
  --actor NAME        who
  --dry-run           make the content, check its hash, store nothing
  --hold              refuse later changes until "versions release"
  --confirm-within S  seconds (1 to ${CONFIRM_S_MAX}) in which "versions confirm" must follow; otherwise the version before comes back
  --if-match ETAG     only if this is the head (default: whatever it is now)
${SIDECAR_USAGE}
  --json              print the answer as JSON

${EXIT_CODES}`,

  async run(args, io) {
    const { values, positionals } = parseOptions(args, {
      ...SIDECAR_OPTIONS,
      to: { type: 'string' },
      reason: { type: 'string' },
      actor: { type: 'string' },
      'dry-run': { type: 'boolean' },
      hold: { type: 'boolean' },
      'confirm-within': { type: 'string' },
      'if-match': { type: 'string' },
    });
    const faults = new Faults();
    const [name] = readWords(faults, positionals, ['NAME']);
    const { to = '', reason = '', actor, hold, 'dry-run': dryRun = false, 'if-match': etag } = values;
    if (to === '') faults.add('--to is needed: a version or a time');
    if (reason.trim() === '') faults.add('--reason is needed');
    const confirmWithinS = faults.integer('--confirm-within', values['confirm-within'], 1, CONFIRM_S_MAX);
    const client = openClient(values, faults, io);
    return withSidecar('versions rollback', client, io, async () => {
      const answer = await client.json({
        method: 'POST',
        path: `versions/${name}/rollback`,
        headers: { 'if-match': etag === undefined ? await headOf(client, name, dryRun) : quoted(etag) },
        body: { json: { to: /^\d{1,16}$/.test(to) ? Number(to) : to, reason, actor, dryRun, hold, confirmWithinS } },
      });
      await writeOut(io.stdout, `${values.json === true ? JSON.stringify({ name, ...answer }) : planText(name, answer)}\n`);
      return EXIT_OK;
    });
  },
};

async function headOf(client: SidecarClient, name: string, isDryRun: boolean): Promise<string | undefined> {
  if (isDryRun) return undefined;
  return toVersion((await client.json({ path: `versions/${name}`, query: { limit: '1' } }))['head']).etag;
}

function planText(name: string, plan: Readonly<Record<string, unknown>>): string {
  const { from, to, steps, record } = plan;
  const { version, bytes, sha256 } = fieldsOf(to);
  if (record !== undefined) return `${name} ${versionLine(toVersion(record)).trim()}`;
  const content = `version ${String(version)}, ${String(bytes)} bytes, sha256 ${textOf(sha256) ?? ''}`;
  return toSafeText(
    `${name} would go from version ${String(fieldsOf(from)['version'])} to the content of ${content}; ${String(steps)} step(s) taken back, nothing was stored`,
  );
}
