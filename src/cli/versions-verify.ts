import { ERROR_CODES } from '../kernel/error-codes.ts';
import { EXIT_OK, type Command } from './command.ts';
import { Faults, parseOptions } from './options.ts';
import { toSafeText } from './safe-text.ts';
import { fieldsOf, itemsOf, textOf } from './versions-answer.ts';
import { EXIT_CODES, openClient, readWords, SIDECAR_OPTIONS, SIDECAR_USAGE, withSidecar } from './versions-common.ts';
import { writeOut } from './write-out.ts';

export const versionsVerify: Command = {
  name: 'versions verify',
  summary: 'have every version of an artifact made and hashed',
  usage: `usage: pproofs versions verify NAME [OPTIONS]

The sidecar makes the content of each version that retention left and compares its hash; every damaged place is named.

options:
${SIDECAR_USAGE}
  --json              print the report as JSON

${EXIT_CODES}`,

  async run(args, io) {
    const { values, positionals } = parseOptions(args, SIDECAR_OPTIONS);
    const faults = new Faults();
    const [name] = readWords(faults, positionals, ['NAME']);
    const client = openClient(values, faults, io);
    return withSidecar('versions verify', client, io, async () => {
      const report = await client.json({ method: 'POST', path: `versions/${name}/verify` });
      const damages = itemsOf(report['damages']).map(fieldsOf);
      const lines = damages.map(({ place, what }) => toSafeText(`${textOf(place) ?? ''}: ${textOf(what) ?? ''}`));
      const verdict = damages.length === 0 ? 'intact' : `DAMAGED in ${damages.length} place(s)`;
      const text = [`${name}: ${String(report['checked'])} of ${String(report['versions'])} versions checked, ${verdict}`, ...lines].join(
        '\n',
      );
      await writeOut(io.stdout, `${values.json === true ? JSON.stringify(report) : text}\n`);
      return damages.length === 0 ? EXIT_OK : ERROR_CODES['version-damaged'].exit;
    });
  },
};
