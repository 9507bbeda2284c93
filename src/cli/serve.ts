import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { pino } from 'pino';
import { anchorInWords } from '../config/anchor-config.ts';
import { parseConfig, type Config } from '../config/config.ts';
import { readSecrets, type Secrets } from '../config/secrets.ts';
import type { Context } from '../context.ts';
import { ERROR_CODES, type ErrorCode, type ErrorEntry } from '../kernel/error-codes.ts';
import { EXIT_ERROR, EXIT_OK, UsageError, type Command, type CommandIo } from './command.ts';

/** Connections that have not ended by then are cut: a supervisor kills us soon after anyway (Kubernetes: 30 s). */
const STOP_DEADLINE_MS = 10_000;

/** Between the death of the writer and the end: one scrape a second finds what the watch has found. */
const LAST_LOOK_MS = 1000;

/** `pproofs serve`: the sidecar. Runs until SIGTERM or SIGINT, then drains. */
export const serve: Command = {
  name: 'serve',
  summary: 'run the sidecar',
  usage: `pproofs serve [--anchor FILE]
  --anchor FILE      a checkpoint of this ledger kept elsewhere: lets it start when its watermark is lost
  Settings come from PROOFS_* variables or the YAML file PROOFS_CONFIG, see docs/config.md.
  Exit codes: 0 stopped by a signal, 2 wrong settings, 30 truncated, 31 tampered, 32 forked, 33 state lost or
  rolled back, 34 wrong keys, 70 other errors`,
  async run(args, io) {
    const { anchor } = parseOptions(args);
    const config = parseConfig(io.env);
    const secrets = readSecrets(config);
    // Synchronous, so that the last lines before an abrupt end are not lost; a log line costs less than a disk sync.
    const log = pino({ level: config.logLevel, redact: ['authorization', '*.authorization'] }, pino.destination({ dest: 2, sync: true }));
    // Loaded here, so that the short commands do not wait for the web server's modules.
    const { createContext } = await import('../context.ts');
    const context = await createContext(config, secrets, log, { anchorNote: anchor });
    return runUntilStopped(context, config, secrets, io);
  },
};

function parseOptions(args: readonly string[]): { anchor: string | undefined } {
  let path: string | undefined;
  try {
    path = parseArgs({ args: [...args], options: { anchor: { type: 'string' } } }).values.anchor;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
  if (path === undefined) return { anchor: undefined };
  try {
    return { anchor: readFileSync(path, 'utf8') };
  } catch (cause) {
    throw new UsageError(`the anchor "${path}" cannot be read`, { cause });
  }
}

async function runUntilStopped(context: Context, config: Config, secrets: Secrets, io: CommandIo): Promise<number> {
  const { app, ledger, observer, limits } = context;
  if (limits !== undefined) io.onHangup?.(() => limits.reload());
  const failed = context.failed.then((error) => {
    observer.log.fatal({ err: error, code: error.code }, 'the ledger writer has failed; ending, recovery is the normal start');
    return exitCodeOf(error.code);
  });
  try {
    await app.listen({ host: config.host, port: config.port });
  } catch (error) {
    await context.stop();
    throw error;
  }
  const address = addressOf(app.server.address());
  io.stdout.write(`post-incident-proofs listening on ${address}\n`);
  const { epochs, recoveries } = ledger.stats();
  observer.log.info(
    {
      address,
      dataDir: config.dataDir,
      entries: ledger.head().size,
      recoveries,
      origin: ledger.identity.origin,
      epoch: epochs.running,
      forwardSecurity: epochs.forwardSecurity,
      anchor: anchorInWords(config.anchor),
      needsToken: secrets.tokenDigest !== undefined,
    },
    'ready',
  );
  if (epochs.forwardSecurity !== 'in force') observer.log.warn(`forward security is ${epochs.forwardSecurity}`);
  const stopped = new Promise<'stop'>((resolve) => {
    if (io.signal.aborted) resolve('stop');
    else io.signal.addEventListener('abort', () => resolve('stop'), { once: true });
  });
  const outcome = await Promise.race([failed, stopped]);
  if (outcome !== 'stop') {
    // It may have died of a change that the watch is about to name: whoever asks for metrics or logs is told before the end.
    if (config.isWatched) await Promise.race([sleep(LAST_LOOK_MS), stopped]);
    return outcome;
  }
  observer.log.info('draining');
  const deadline = setTimeout(() => app.server.closeAllConnections(), STOP_DEADLINE_MS);
  await context.stop();
  clearTimeout(deadline);
  // A writer that died while draining must not look like a clean stop to a supervisor.
  const code = await Promise.race([failed, Promise.resolve(EXIT_OK)]);
  observer.log.info({ code }, 'stopped');
  return code;
}

/** The code that a start would have ended with for the same finding. */
function exitCodeOf(code: ErrorCode): number {
  const entry: ErrorEntry = ERROR_CODES[code];
  return entry.exit ?? EXIT_ERROR;
}

function addressOf(address: AddressInfo | string | null): string {
  if (address === null || typeof address === 'string') return String(address);
  return `http://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`;
}
