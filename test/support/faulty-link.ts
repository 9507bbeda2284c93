import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A TCP connection to a server that can be made bad, like the network between two machines. */
export interface FaultyLink extends AsyncDisposable {
  readonly port: number;
  /** Milliseconds that each chunk waits on its way, in both directions; a new value for each. */
  delayMs: () => number;
  /** What the server says is lost, and the connection with it: bytes of a connection that goes on are never lost. */
  isLosingReplies: boolean;
  /** From now on nothing gets through on the connections that are open, and nobody is told. */
  stall(): void;
}

export async function openFaultyLink(targetPort: number): Promise<FaultyLink> {
  const sockets = new Set<Socket>();
  const stalled = new WeakSet<Socket>();
  const server = createServer((near) => {
    const far = connect({ host: '127.0.0.1', port: targetPort, noDelay: true });
    near.setNoDelay(true);
    pass(near, far, () => false);
    pass(far, near, () => link.isLosingReplies);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => undefined).once('close', () => sockets.delete(socket));
    }
    near.once('close', () => far.destroy());
    far.once('close', () => near.destroy());
  });
  /** Chunks keep their order, whatever each of them waits. */
  const pass = (from: Socket, to: Socket, isLost: () => boolean): void => {
    let earliestMs = 0;
    from.on('data', (chunk: Buffer) => {
      if (stalled.has(from)) return;
      if (isLost()) {
        to.destroy();
        return;
      }
      const waitMs = link.delayMs();
      earliestMs = Math.max(earliestMs, performance.now() + waitMs);
      if (waitMs === 0 && earliestMs <= performance.now()) to.write(chunk);
      else setTimeout(() => to.writable && to.write(chunk), earliestMs - performance.now());
    });
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const link: FaultyLink = {
    port: (server.address() as AddressInfo).port,
    delayMs: () => 0,
    isLosingReplies: false,
    stall: () => {
      for (const socket of sockets) stalled.add(socket);
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return link;
}
