import { parentPort, workerData } from 'node:worker_threads';
import type { Json } from '../kernel/canonical-json.ts';
import { systemClock } from '../kernel/clock.ts';
import { CodedError } from '../kernel/errors.ts';
import { confirmHead, holdHead, holdLegally, pinVersion } from './alterations.ts';
import { RevertTimer } from './revert-timer.ts';
import { VersionStore } from './store.ts';
import type { FromVersions, SentError, ThreadCalls, ToVersions, VersionsThreadOptions } from './thread-messages.ts';
import { toVersionsError } from './to-versions-error.ts';
import type { VersionsError } from './versions-error.ts';

/** The thread of the store: comparing and hashing contents of gigabytes must not keep anybody else waiting. */

const records = new Map<number, { readonly resolve: () => void; readonly reject: (error: unknown) => void }>();
let recordId = 0;

function tell(message: FromVersions): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker's port has no origin, only browser windows do
  parentPort?.postMessage(message);
}

function record(entry: Json): Promise<void> {
  const id = recordId++;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  records.set(id, { resolve, reject });
  tell({ kind: 'record', id, entry });
  return promise;
}

function toSent({ code, message, details }: VersionsError): SentError {
  return { code, message, details };
}

function callsOf(store: VersionStore, timer: RevertTimer): ThreadCalls {
  return {
    put: (request, staged) => store.put(request, staged),
    rollback: (request) => store.rollback(request),
    confirm: (name, caller) => confirmHead(store, name, caller),
    hold: (name, isHeld, caller) => holdHead(store, name, isHeld, caller),
    legalHold: (name, isHeld, caller) => holdLegally(store, name, isHeld, caller),
    pin: (name, version, isPinned, caller) => pinVersion(store, name, version, isPinned, caller),
    list: async (after, limit) => store.list(after, limit),
    summary: async (name) => store.summary(name),
    records: async (name, before, limit) => store.records(name, before, limit),
    at: async (name, timeNs) => store.at(name, timeNs),
    open: (name, version) => store.open(name, version),
    diff: (name, from, to) => store.diff(name, from, to),
    verify: (name) => store.verify(name),
    close: async () => {
      await timer.stop();
      await store.close();
    },
  };
}

async function answer(calls: ThreadCalls, { id, method, args }: ToVersions & { kind: 'call' }): Promise<void> {
  try {
    const call = calls[method] as (...given: readonly unknown[]) => Promise<unknown>;
    tell({ kind: 'result', id, value: await call(...args) });
  } catch (error) {
    tell({ kind: 'error', id, error: toSent(toVersionsError(error)) });
  }
}

async function run({ dataDir, limits }: VersionsThreadOptions): Promise<void> {
  const { promise: opened, resolve: open } = Promise.withResolvers<{ calls: ThreadCalls; timer: RevertTimer }>();
  parentPort?.on('message', (message: ToVersions) => {
    if (message.kind === 'recorded') {
      const waiting = records.get(message.id);
      records.delete(message.id);
      if (message.error === undefined) waiting?.resolve();
      else waiting?.reject(new CodedError(message.error.code, message.error.message));
    } else
      // What is asked before the store is open waits, in its order.
      void opened.then(async ({ calls, timer }) => {
        await answer(calls, message);
        timer.look();
      });
  });
  const trouble = (error: VersionsError): void => tell({ kind: 'trouble', error: toSent(error) });
  const store = await VersionStore.open({
    dataDir,
    limits,
    audit: { record },
    clock: systemClock,
    changed: (name, changed) => tell({ kind: 'changed', name, record: changed }),
    trouble,
  });
  const timer = new RevertTimer(store, trouble);
  open({ calls: callsOf(store, timer), timer });
  tell({ kind: 'ready', damages: store.damages() });
  timer.look();
}

await run(workerData as VersionsThreadOptions);
