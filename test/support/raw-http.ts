import { connect, type Socket } from 'node:net';

/** Silence of the server that these tests take for "no answer comes". */
const SILENCE_MS_MAX = 10_000;

/** A TCP connection that says exactly these bytes: for requests that no HTTP client would send. */
export async function openRaw(port: number, bytes: string | Uint8Array): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  await new Promise<void>((resolve) => socket.write(bytes, () => resolve()));
  return socket;
}

/** Everything the server says until it closes, or until `isEnough`. */
export async function readAll(socket: Socket, isEnough: (text: string) => boolean = () => false): Promise<string> {
  let text = '';
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`the server neither answered nor closed; it said: ${text}`)), SILENCE_MS_MAX);
    const done = (): void => {
      clearTimeout(timer);
      resolve();
    };
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8');
      if (isEnough(text)) done();
    });
    socket.once('close', done);
    socket.once('end', done);
  });
  socket.destroy();
  return text;
}

/** Says the bytes, optionally ends its side, and answers with everything that came back until the server closed. */
export async function exchange(port: number, bytes: string | Uint8Array, options: { readonly end?: boolean } = {}): Promise<string> {
  const socket = await openRaw(port, bytes);
  if (options.end === true) socket.end();
  return readAll(socket);
}

/** Head of a POST /events; the body and its framing headers are the test's. */
export function postHead(...headers: readonly string[]): string {
  return ['POST /events HTTP/1.1', 'Host: localhost', 'Content-Type: application/x-ndjson', ...headers, '', ''].join('\r\n');
}

/** Status codes of all answers in a stream of bytes. */
export function statusesOf(text: string): number[] {
  return [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1]));
}
