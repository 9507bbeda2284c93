import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { COMMANDS } from '../src/cli/commands.ts';
import { usageText } from '../src/cli/dispatch.ts';
import { serve } from '../src/cli/serve.ts';

const HEAD = `<!-- Generated from the usage texts of src/cli by tools/build-cli-docs.ts; run: npm run generate -->

# Command line

\`post-incident-proofs\`, short \`pproofs\`. In a checkout: \`npm run -s pproofs -- ARGS\`.

\`pproofs help\` lists the commands, \`pproofs COMMAND --help\` explains one, \`pproofs --version\` prints the version.

What holds for every command:

- Results go to stdout, everything else (progress, warnings, errors) to stderr. \`--json\` makes the result one for programs.
- Exit code 0 is success, 2 a wrong command line (every fault is named at once), 70 an error. Others are listed with their command.
  1 is never used on purpose: it is what Node exits with when it crashes.
- Colours and progress bars appear on terminals only; \`NO_COLOR\` turns colours off.
- Text from logs and servers is shown with its control characters escaped.
- Ctrl-C ends a command cleanly; a reader that leaves early (\`| head\`) is no error.
- An unknown command gets the nearest known one as a suggestion.

How log files become events: [import.md](import.md). Settings of the sidecar: [config.md](config.md).
`;

/** Writes cli.md: each command with its options and exit codes. */
export function buildCliDocs(outDir: string): void {
  const sections = [serve, ...COMMANDS].map((command) => {
    const summary = command.summary.charAt(0).toUpperCase() + command.summary.slice(1);
    return `\n## ${command.name}\n\n${summary}.\n\n\`\`\`text\n${usageText(command)}\`\`\`\n`;
  });
  writeFileSync(join(outDir, 'cli.md'), HEAD + sections.join(''));
}
