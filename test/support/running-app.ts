import { Writable } from 'node:stream';
import { pino } from 'pino';
import { parseConfig } from '../../src/config/config.ts';
import { readSecrets } from '../../src/config/secrets.ts';
import { createContext, type Context, type ContextOptions } from '../../src/context.ts';
import { tempDir } from './temp-dir.ts';

export interface AppOverrides extends ContextOptions {
  /** Kept afterwards; without it a fresh folder that goes with the app. */
  readonly dataDir?: string;
  /** PROOFS_* settings. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface RunningApp extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly dataDir: string;
  readonly context: Context;
  /** Lines of the sidecar's own log so far. */
  readonly logLines: readonly string[];
  /** JSON of one answer. */
  getJson(
    path: string,
    init?: RequestInit,
  ): Promise<{ readonly status: number; readonly headers: Headers; readonly json: Record<string, unknown> }>;
  /** POST /events. */
  post(
    body: string | Uint8Array<ArrayBuffer>,
    init?: { readonly type?: string; readonly key?: string; readonly query?: string },
  ): ReturnType<RunningApp['getJson']>;
}

/** The whole sidecar in this process: real routes, real ledger, a real port. `await using app = await startApp()`. */
export async function startApp(overrides: AppOverrides = {}): Promise<RunningApp> {
  const { dataDir: given, env, ...options } = overrides;
  const folder = given === undefined ? tempDir() : undefined;
  const dataDir = given ?? folder?.path ?? '';
  const config = parseConfig({ PROOFS_LOG_LEVEL: 'debug', PROOFS_ANCHOR: 'off', ...env, PROOFS_DATA_DIR: dataDir });
  const logLines: string[] = [];
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      logLines.push(chunk.toString('utf8'));
      done();
    },
  });
  const context = await createContext(config, readSecrets(config), pino({ level: config.logLevel }, sink), options);
  const url = await context.app.listen({ host: '127.0.0.1', port: 0 });
  const getJson: RunningApp['getJson'] = async (path, init) => {
    const response = await fetch(`${url}${path}`, init);
    const json: unknown = await response.json();
    return { status: response.status, headers: response.headers, json: json as Record<string, unknown> };
  };
  const post: RunningApp['post'] = (body, { type = 'application/json', key, query = '' } = {}) => {
    const headers = { 'content-type': type, ...(key === undefined ? {} : { 'idempotency-key': key }) };
    return getJson(`/events${query}`, { method: 'POST', body, headers });
  };
  const dispose = async (): Promise<void> => {
    context.app.server.closeAllConnections();
    await context.stop();
    folder?.[Symbol.dispose]();
  };
  return { url, port: Number(new URL(url).port), dataDir, context, logLines, getJson, post, [Symbol.asyncDispose]: dispose };
}
