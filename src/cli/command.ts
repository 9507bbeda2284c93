/** What a command gets from the outside; main.ts supplies the real ones, tests their own. */
export interface CommandIo {
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
  readonly stdin: NodeJS.ReadableStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** True when stderr is a terminal: progress bars are drawn there. */
  readonly isTerminal: boolean;
  /** True when colours are welcome (terminal, and NO_COLOR unset). */
  readonly useColor: boolean;
  /** Aborted by SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
  /** Calls the listener at every SIGHUP, which from then on ends nothing. */
  readonly onHangup?: (listener: () => void) => void;
}

/** One verb of the command line. `run` parses its own arguments (node:util parseArgs) and answers the exit code. */
export interface Command {
  /** Words that select it, for example "log verify". */
  readonly name: string;
  readonly summary: string;
  /** Shown by --help and after a usage error: one line per option, with units and defaults. */
  readonly usage: string;
  run(args: readonly string[], io: CommandIo): Promise<number>;
}

/** Wrong words on the command line: the message lists every fault; main prints it with the usage and exits with 2. */
export class UsageError extends Error {}

/** Exit codes shared by every command (verdicts have their own, see verify/). */
export const EXIT_OK = 0;
export const EXIT_USAGE = 2;
export const EXIT_ERROR = 70;
