import { dirname } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../kernel/clock.ts';
import { CodedError } from '../kernel/errors.ts';
import { signEd25519 } from '../kernel/ed25519.ts';
import { createLedger } from './create-ledger.ts';
import { errorCode, isDiskFull, isPresent, makeDirectory } from './files.ts';
import { createKeys, defaultOrigin, loadKeys } from './keys.ts';
import type { IndexDelta } from './ledger-index.ts';
import { lockLedger } from './lock.ts';
import { ledgerPaths } from './paths.ts';
import type { AppendRequest, LedgerIdentity } from './ports.ts';
import { recoverLedger } from './recover.ts';
import type { RememberedRequest } from './request-log.ts';
import { Writer, type Commit, type CommittedHead } from './writer.ts';

/** The thread that owns the ledger's files and secrets. Messages carry batches, never single entries. */
export interface WriterThreadOptions {
  readonly dataDir: string;
  readonly keysDir: string | undefined;
  readonly origin: string | undefined;
  readonly anchorNote: string | undefined;
}

export type ToWriter =
  | { readonly kind: 'append'; readonly id: number; readonly request: AppendRequest }
  | { readonly kind: 'sign'; readonly id: number; readonly message: Uint8Array }
  | { readonly kind: 'close' };

export type FromWriter =
  | {
      readonly kind: 'ready';
      readonly identity: LedgerIdentity;
      readonly head: CommittedHead;
      readonly index: IndexDelta;
      readonly requests: readonly RememberedRequest[];
      readonly recoveries: number;
      readonly isCheckpointStale: boolean;
    }
  | { readonly kind: 'committed'; readonly commit: Commit }
  | { readonly kind: 'disk-full'; readonly ids: readonly number[]; readonly message: string }
  | { readonly kind: 'signed'; readonly id: number; readonly signature: Uint8Array }
  | { readonly kind: 'fatal'; readonly code: string; readonly message: string }
  | { readonly kind: 'closed' };

const MINUTE_MS = 60_000;

async function main(
  options: WriterThreadOptions,
  post: (message: FromWriter) => void,
  listen: (handler: (message: ToWriter) => void) => void,
): Promise<void> {
  const paths = ledgerPaths(options.dataDir, options.keysDir);
  makeDirectory(dirname(paths.ledger));
  const lock = lockLedger(paths.lock);
  const keys = isPresent(paths.ledger) ? loadKeys(options.dataDir, options.keysDir) : createKeys(options.dataDir, options.keysDir);
  if (!isPresent(paths.ledger)) createLedger(paths, keys, options.origin ?? defaultOrigin(keys.publicKey), systemClock);
  const recovered = await recoverLedger(paths, keys, options.anchorNote);
  const writer = new Writer(paths, keys, recovered, systemClock, {
    committed: (commit) => post({ kind: 'committed', commit }),
    diskFull: (ids, cause) => post({ kind: 'disk-full', ids, message: describe(cause) }),
    fatal: (cause) => post({ kind: 'fatal', code: 'failed', message: describe(cause) }),
  });
  post({
    kind: 'ready',
    identity: recovered.identity,
    head: writer.head(),
    index: recovered.delta,
    requests: recovered.requests,
    recoveries: recovered.findings.length,
    isCheckpointStale: writer.isCheckpointStale,
  });
  listen((message) => {
    if (message.kind === 'append') writer.append(message.id, message.request);
    else if (message.kind === 'sign') post({ kind: 'signed', id: message.id, signature: signEd25519(keys.signingKey, message.message) });
    else writer.close();
  });
  const stopTicking = tickEachMinute(writer);
  await writer.run();
  stopTicking();
  recovered.state.chain.wipe();
  keys.hmacKey.fill(0);
  lock.release();
  post({ kind: 'closed' });
}

function tickEachMinute(writer: Writer): () => void {
  let timer: NodeJS.Timeout;
  const schedule = (): void => {
    timer = setTimeout(
      () => {
        writer.tick();
        schedule();
      },
      MINUTE_MS - (Date.now() % MINUTE_MS) + 1,
    );
  };
  schedule();
  return () => clearTimeout(timer);
}

function describe(cause: unknown): string {
  const code = errorCode(cause);
  const message = cause instanceof Error ? cause.message : String(cause);
  return isDiskFull(cause) ? `the disk is full (${code})` : message;
}

if (parentPort !== null) {
  const port = parentPort;
  const post = (message: FromWriter): void => port.postMessage(message);
  const listen = (handler: (message: ToWriter) => void): void => void port.on('message', handler);
  main(workerData as WriterThreadOptions, post, listen)
    .catch((error: unknown) => {
      post({ kind: 'fatal', code: error instanceof CodedError ? error.code : 'failed', message: describe(error) });
    })
    .finally(() => port.close());
}
