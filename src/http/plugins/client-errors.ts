import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Observer } from '../../observe/observer.ts';
import { formatProblem, problemStatus, type Problem } from '../problem.ts';

/** Sockets that were answered below the routes: their requests have nothing more to say. */
const answered = new WeakSet<Socket>();
interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** Requests of a connection that have no whole answer yet; more than one when a client pipelines. */
const openExchanges = new WeakMap<Socket, Set<Exchange>>();
/** The request of a connection that had its answer while its body was still coming: how that body ends is no news. */
const refusedEarly = new WeakMap<Socket, IncomingMessage>();

/** Requests whose body may take longer than a whole request may otherwise: whoever reads them watches over their pace. */
const unhurried = new WeakSet<IncomingMessage>();

/** From now on the request timeout of the server does not end `request`. */
export function leaveUnhurried(request: IncomingMessage): void {
  unhurried.add(request);
}

/** True when the request's connection has already had its answer from `answerClientError`. */
export function wasAnswered(request: FastifyRequest): boolean {
  return answered.has(request.raw.socket);
}

/** What Node's HTTP parser refuses, before any route sees it or in the middle of a body, is answered and counted like every other refusal. */
export function registerClientErrors(app: FastifyInstance): void {
  app.addHook('onRequest', async (request, reply) => openExchange(request.raw, reply.raw));
}

/** A request whose answer will take a moment: what comes behind it on its connection must not be answered first. */
export function openExchange(request: IncomingMessage, response: ServerResponse): void {
  const { socket } = request;
  const exchange = { request, response };
  const open = openExchanges.get(socket) ?? new Set();
  openExchanges.set(socket, open.add(exchange));
  response.once('close', () => {
    open.delete(exchange);
    if (!request.complete) refusedEarly.set(socket, request);
  });
}

export function answerClientError(error: NodeJS.ErrnoException, socket: Socket, observer: Observer): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || answered.has(socket) || refusedEarly.get(socket)?.complete === false) {
    socket.destroy();
    return;
  }
  // Node has asked once and does not ask again for this request.
  if (error.code === REQUEST_TIMEOUT && [...(openExchanges.get(socket) ?? [])].some(isUnhurried)) return;
  answered.add(socket);
  // A whole request before the faulty bytes is on its way to the disk: its own answer comes first, and it is the last one.
  const last = [...(openExchanges.get(socket) ?? [])].findLast(({ request }) => request.complete);
  if (last !== undefined) {
    last.response.once('finish', () => socket.destroySoon());
    return;
  }
  const problem = toProblem(error);
  const requestId = crypto.randomUUID();
  const status = problemStatus(problem);
  observer.requestRefused(problem.code, status, problem.detail, requestId);
  const body = formatProblem(problem, requestId);
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'Content-Type: application/problem+json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  if (socket.writable) socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
  socket.destroySoon();
}

function isUnhurried({ request }: Exchange): boolean {
  return unhurried.has(request) && !request.complete;
}

const REQUEST_TIMEOUT = 'ERR_HTTP_REQUEST_TIMEOUT';
/** Codes of Node's HTTP server and its parser. */
const PARSER_CODES: Readonly<Record<string, Problem>> = {
  [REQUEST_TIMEOUT]: { code: 'timeout', detail: 'the request did not arrive in time' },
  HPE_HEADER_OVERFLOW: { code: 'headers-too-large', detail: 'the request line and the header have more than 16 KiB' },
  HPE_INVALID_EOF_STATE: { code: 'incomplete', detail: 'the connection ended inside the request' },
};

function toProblem({ code = 'unknown fault' }: NodeJS.ErrnoException): Problem {
  return PARSER_CODES[code] ?? { code: 'invalid-request', detail: `this is not HTTP/1.1 (${code})` };
}
