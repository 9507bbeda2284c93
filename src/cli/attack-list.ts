import { NEEDS } from '../attack/attack.ts';
import { CATALOGUE } from '../attack/catalogue.ts';
import { needsText, verdictsText } from './attack-text.ts';
import { EXIT_OK, UsageError, type Command } from './command.ts';
import { parseOptions } from './options.ts';
import { writeOut } from './write-out.ts';

export const attackList: Command = {
  name: 'attack list',
  summary: 'every attack: what it does, what it needs, what log verify must say',
  usage: `usage: pproofs attack list [--json]

Three verdicts stand for: with the root key / with the public key and a checkpoint kept elsewhere / with the public key alone.

options:
  --json   one JSON object per attack

exit codes: 0 printed · 2 usage`,
  async run(args, io) {
    const { values, positionals } = parseOptions(args, { json: { type: 'boolean' } });
    if (positionals.length > 0) throw new UsageError(`unexpected "${positionals[0]}"`);
    for (const attack of CATALOGUE) {
      const { name, summary, needs, expected } = attack;
      if (values.json === true) {
        await writeOut(io.stdout, `${JSON.stringify({ name, summary, needs: needs.map((need) => NEEDS[need]), expected })}\n`);
        continue;
      }
      const need = needs.length === 0 ? '' : `    needs     ${needsText(attack)}\n`;
      await writeOut(io.stdout, `${name}\n    ${summary}\n${need}    expected  ${verdictsText(expected)}\n`);
    }
    return EXIT_OK;
  },
};
