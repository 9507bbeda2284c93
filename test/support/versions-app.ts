import { createHash } from 'node:crypto';
import { pino } from 'pino';
import { buildApp } from '../../src/app.ts';
import { Observer } from '../../src/observe/observer.ts';
import { MemoryLedger } from './memory-ledger.ts';
import { MemoryVersions } from './memory-versions.ts';

export interface VersionsApp extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly versions: MemoryVersions;
  readonly lifecycle: { isStopping: boolean };
  ask(method: string, path: string, headers?: Record<string, string>, body?: string | Uint8Array<ArrayBuffer>): Promise<Answer>;
  /** As a stop does it. */
  close(): Promise<void>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: Record<string, unknown>;
}

/** All routes over a ledger and artifacts in memory, on a real port. */
export async function startVersionsApp(
  options: { readonly bytesMax?: number; readonly requestTimeoutMs?: number; readonly token?: string } = {},
): Promise<VersionsApp> {
  const versions = new MemoryVersions(options.bytesMax);
  const { token, requestTimeoutMs } = options;
  const lifecycle = { isStopping: false };
  const app = await buildApp({
    ledger: new MemoryLedger({ clock: () => 1_767_225_600_000_000_000n }),
    observer: new Observer(pino({ level: 'silent' }), '0.0.0'),
    secrets: {
      tokenDigest: token === undefined ? undefined : createHash('sha256').update(token).digest(),
      redisPassword: undefined,
      s3: undefined,
    },
    lifecycle,
    version: '0.0.0',
    versions,
    ...(requestTimeoutMs === undefined ? {} : { requestTimeoutMs }),
  });
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  const ask: VersionsApp['ask'] = async (method, path, headers = {}, body) => {
    const response = await fetch(`${url}${path}`, { method, headers, ...(body === undefined ? {} : { body }), redirect: 'manual' });
    const text = Buffer.from(await response.arrayBuffer()).toString('utf8');
    const isJson = (response.headers.get('content-type') ?? '').includes('json') && text !== '';
    return { status: response.status, headers: response.headers, text, json: isJson ? (JSON.parse(text) as Answer['json']) : {} };
  };
  const close = async (): Promise<void> => {
    lifecycle.isStopping = true;
    await app.close();
  };
  const dispose = async (): Promise<void> => {
    app.server.closeAllConnections();
    await close();
    versions[Symbol.dispose]();
  };
  return { url, port: Number(new URL(url).port), versions, lifecycle, ask, close, [Symbol.asyncDispose]: dispose };
}
