import { createHash } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface SeenRequest {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** What to do with one request instead of storing it: an answer, or a cut connection. */
export type Trouble =
  { readonly status: number; readonly headers?: Record<string, string>; readonly body?: unknown } | 'cut' | 'cut-after-storing';

export interface ScriptedSidecar extends AsyncDisposable {
  readonly url: string;
  readonly requests: readonly SeenRequest[];
  /** Events stored, each once per Idempotency-Key. */
  readonly stored: readonly string[];
  /** Called before each request; undefined stores it. */
  trouble: (request: SeenRequest, number: number) => Trouble | undefined;
}

/**
 * The moments a healthy sidecar does not show (overload, lost answers, a full disk) on a real socket. Keys are remembered as
 * docs/formats/ledger.md says: the same key and body replays, the same key with another body is refused.
 */
export async function startScriptedSidecar(): Promise<ScriptedSidecar> {
  const requests: SeenRequest[] = [];
  const stored: string[] = [];
  const known = new Map<string, { digest: string; first: number; last: number }>();
  const store = (request: SeenRequest): Exclude<Trouble, string> => {
    const key = String(request.headers['idempotency-key']);
    const digest = createHash('sha256').update(request.body).digest('hex');
    let entry = known.get(key);
    const headers: Record<string, string> = entry === undefined ? {} : { 'idempotency-replayed': 'true' };
    if (entry !== undefined && entry.digest !== digest) return { status: 422, body: { title: 'key used before' } };
    if (entry === undefined) {
      const lines = request.body.trimEnd().split('\n');
      entry = { digest, first: stored.length + 1, last: stored.length + lines.length };
      stored.push(...lines);
      known.set(key, entry);
    }
    const { first, last } = entry;
    return { status: 201, headers, body: { accepted: last - first + 1, first, last, checkpoint: `note ${last}` } };
  };
  const sidecar = { trouble: (): Trouble | undefined => undefined } as Pick<ScriptedSidecar, 'trouble'>;
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const request = { path: incoming.url ?? '', headers: incoming.headers, body: Buffer.concat(chunks).toString('utf8') };
      requests.push(request);
      const trouble = sidecar.trouble(request, requests.length);
      if (trouble === 'cut' || trouble === 'cut-after-storing') {
        if (trouble === 'cut-after-storing') store(request);
        incoming.socket.destroy();
      } else {
        send(response, trouble ?? store(request));
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return Object.assign(sidecar, {
    url: `http://127.0.0.1:${port}`,
    requests,
    stored,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}

function send(response: ServerResponse, answer: Exclude<Trouble, string>): void {
  response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers });
  response.end(JSON.stringify(answer.body ?? {}));
}
