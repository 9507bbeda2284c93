import { spawnSync } from 'node:child_process';
import { freePort, startRedis, type RedisServer } from './redis-server.ts';

const MASTERS = 3;
/** Cluster nodes talk to each other on a port this much higher. */
const BUS_OFFSET = 10_000;
const PORT_MAX = 65_535 - BUS_OFFSET;

export interface RedisCluster extends AsyncDisposable {
  readonly urls: readonly string[];
  readonly servers: readonly RedisServer[];
}

/** A real Redis Cluster of three masters on 127.0.0.1. */
export async function startRedisCluster(): Promise<RedisCluster> {
  const servers: RedisServer[] = [];
  const dispose = async (): Promise<void> => {
    await Promise.all(servers.map((server) => server[Symbol.asyncDispose]()));
  };
  try {
    for (let i = 0; i < MASTERS; i++) servers.push(await startRedis({ port: await lowPort(), isClustered: true }));
    const addresses = servers.map(({ url }) => new URL(url).host);
    const { status, stdout, stderr } = spawnSync('redis-cli', ['--cluster', 'create', ...addresses, '--cluster-yes'], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`the cluster could not be made: ${stdout}${stderr}`);
    return { urls: servers.map(({ url }) => url), servers, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

async function lowPort(): Promise<number> {
  for (;;) {
    const port = await freePort();
    if (port <= PORT_MAX) return port;
  }
}
