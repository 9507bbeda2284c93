import { EXIT_ERROR, EXIT_OK, EXIT_USAGE, UsageError, type Command, type CommandIo } from './command.ts';
import { ERROR_CODES, isErrorCode, type ErrorEntry } from '../kernel/error-codes.ts';
import { CodedError } from '../kernel/errors.ts';
import { nearest } from './nearest.ts';
import { toSafeText } from './safe-text.ts';
import { toolVersion } from '../kernel/tool-version.ts';
import { writeOut } from './write-out.ts';

const PROGRAM = 'pproofs';

/** Topics of the overview, by the first word of their commands. */
const TOPICS: readonly (readonly [string, readonly string[]])[] = [
  ['Run a sidecar', ['serve', 'keygen']],
  ['Feed it', ['import']],
  ['Read and check a ledger on disk', ['log']],
  ['Evidence bundles', ['bundle']],
  ['Versioned artifacts', ['versions']],
  ['See what the verifier sees', ['attack']],
];

/** A chain of causes is shown this deep; deeper ones say nothing new. */
const CAUSES_MAX = 4;

/** Words → command → exit code. Whatever a command throws becomes one clear line; a closed pipe is nobody's fault. */
export async function dispatch(argv: readonly string[], io: CommandIo, commands: readonly Command[]): Promise<number> {
  // A failed write is told twice: to the one who awaits it (see below) and as this event, which unheard would end the process as
  // a crash. `| head` must not do that.
  io.stdout.on('error', () => undefined);
  try {
    return await run(argv, io, commands);
  } catch (error) {
    return isClosedPipe(error) ? EXIT_OK : report(error, io);
  }
}

async function run(argv: readonly string[], io: CommandIo, commands: readonly Command[]): Promise<number> {
  const [first] = argv;
  if (first === undefined || first === 'help' || first === '--help' || first === '-h') return help(argv.slice(1), io, commands);
  if (first === '--version' || first === '-V') return print(`${toolVersion()}\n`, io);
  const found = findCommand(argv, commands);
  if (found === undefined) return unknownCommand(argv, io, commands);
  const { command, args } = found;
  if (wantsHelp(args)) return print(usageText(command), io);
  try {
    return await command.run(args, io);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    io.stderr.write(`${PROGRAM} ${command.name}: ${toSafeText(error.message)}\n\n${usageText(command)}`);
    return EXIT_USAGE;
  }
}

async function print(text: string, io: CommandIo): Promise<number> {
  await writeOut(io.stdout, text);
  return EXIT_OK;
}

/** The command with the most words in front of `argv`, and what is left. */
function findCommand(argv: readonly string[], commands: readonly Command[]): { command: Command; args: readonly string[] } | undefined {
  const fitting = commands.filter((command) => command.name.split(' ').every((word, at) => argv[at] === word));
  const command = fitting.toSorted((a, b) => b.name.length - a.name.length)[0];
  return command === undefined ? undefined : { command, args: argv.slice(command.name.split(' ').length) };
}

function wantsHelp(args: readonly string[]): boolean {
  const end = args.indexOf('--');
  return args.slice(0, end < 0 ? args.length : end).some((arg) => arg === '--help' || arg === '-h');
}

function help(words: readonly string[], io: CommandIo, commands: readonly Command[]): Promise<number> | number {
  const found = findCommand(words, commands);
  if (found === undefined && words.length > 0) return unknownCommand(words, io, commands);
  return print(found === undefined ? overview(commands) : usageText(found.command), io);
}

function unknownCommand(argv: readonly string[], io: CommandIo, commands: readonly Command[]): number {
  const names = commands.map((command) => command.name);
  const topic = names.filter((name) => name.startsWith(`${argv[0]} `));
  const option = argv.findIndex((word) => word.startsWith('-'));
  const said = argv.slice(0, option < 0 ? 2 : Math.min(option, 2)).join(' ') || argv[0];
  const hint =
    topic.length > 0 && argv.length === 1
      ? `it needs one more word: ${topic.join(', ')}`
      : suggestion(nearest(said, names) ?? nearest(argv[0], names));
  io.stderr.write(`${PROGRAM}: there is no command "${toSafeText(said)}"; ${hint}\n`);
  return EXIT_USAGE;
}

function suggestion(name: string | undefined): string {
  return name === undefined ? `run "${PROGRAM} help" for the list` : `did you mean "${PROGRAM} ${name}"?`;
}

/** As --help prints it. A usage may leave out the program's name; here it always stands. */
export function usageText(command: Command): string {
  return `usage: ${PROGRAM} ${command.usage.trim().replace(/^(?:usage: )?(?:pproofs )?/, '')}\n`;
}

function overview(commands: readonly Command[]): string {
  const width = Math.max(...commands.map((command) => command.name.length)) + 2;
  const known = new Set(TOPICS.flatMap(([, words]) => words));
  const topicOf = (command: Command): string => command.name.split(' ')[0];
  const topics = [...TOPICS, ['More', [...new Set(commands.map(topicOf))].filter((word) => !known.has(word))] as const];
  const blocks = topics.map(([title, words]) => {
    const lines = words
      .flatMap((word) => commands.filter((command) => topicOf(command) === word))
      .map((command) => `  ${command.name.padEnd(width)}${command.summary}`);
    return lines.length === 0 ? '' : `\n${title}\n${lines.join('\n')}\n`;
  });
  const head = `post-incident-proofs ${toolVersion()}: a flight recorder whose record can be checked\n\nusage: ${PROGRAM} COMMAND [OPTIONS]\n`;
  return `${head}${blocks.join('')}\n"${PROGRAM} COMMAND --help" explains one command, "${PROGRAM} --version" prints the version.\n`;
}

function report(error: unknown, io: CommandIo): number {
  const said: string[] = [];
  let cause: unknown = error;
  for (let depth = 0; cause !== undefined && depth < CAUSES_MAX; depth++) {
    const message = cause instanceof Error ? cause.message || cause.name : typeof cause === 'string' ? cause : 'unknown error';
    if (!said.some((text) => text.includes(message))) said.push(message);
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  io.stderr.write(`${PROGRAM}: ${toSafeText(said.join(': caused by: '))}\n`);
  return exitCodeOf(error);
}

/** Errors of the table end with their own exit code, so that a supervisor can tell a tampered ledger from a busy port. */
function exitCodeOf(error: unknown): number {
  const entry: ErrorEntry | undefined = error instanceof CodedError && isErrorCode(error.code) ? ERROR_CODES[error.code] : undefined;
  return entry?.exit ?? EXIT_ERROR;
}

function isClosedPipe(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED');
}
