import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from './redis-server.ts';
import { startServerProgram } from './server-program.ts';
import { tempDir } from './temp-dir.ts';

export const DEPLOYED = fileURLToPath(new URL('../../deploy/proxies', import.meta.url));

/** What the shipped files say, and what the tests put in its place. */
const SIDECAR = '127.0.0.1:8080';
const APP = '127.0.0.1:3000';
const LISTEN = '127.0.0.1:8000';

export type ProxyName = 'nginx' | 'caddy' | 'haproxy';

export interface ProxyOptions {
  /** host:port */
  readonly sidecar: string;
  /** host:port */
  readonly app: string;
  readonly whenDown: 'open' | 'closed';
  /** Edits of the copied files beyond addresses: each text must occur. */
  readonly edits?: readonly (readonly [string, string])[];
}

export interface Proxy extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  log(): string;
}

interface Kind {
  readonly packageName: string;
  readonly args: readonly string[];
  readonly env: (port: number, options: ProxyOptions) => Readonly<Record<string, string>>;
  /** What the comments of the files say to change for fail-closed. */
  readonly closed: readonly (readonly [string, string])[];
}

const KINDS: Readonly<Record<ProxyName, Kind>> = {
  nginx: {
    packageName: 'nginx-light',
    args: ['-p', '.', '-c', 'nginx.conf', '-g', 'daemon off;'],
    env: () => ({}),
    closed: [['default open;', 'default closed;']],
  },
  caddy: {
    packageName: 'caddy',
    args: ['run', '--config', 'Caddyfile', '--adapter', 'caddyfile'],
    env: (port, { sidecar, app, whenDown }) => ({
      PORT: String(port),
      RATELIMIT_SIDECAR: sidecar,
      APP: app,
      RATELIMIT_WHEN_DOWN: `ratelimit_down_${whenDown}`,
    }),
    closed: [],
  },
  haproxy: {
    packageName: 'haproxy',
    args: ['-f', 'haproxy.cfg'],
    env: (_port, { sidecar }) => ({ RATELIMIT_SIDECAR: sidecar }),
    closed: [['    #closed ', '    ']],
  },
};

/** The real program with a copy of the shipped files, on a free port of 127.0.0.1. */
export async function startProxy(name: ProxyName, options: ProxyOptions): Promise<Proxy> {
  const kind = KINDS[name];
  const port = await freePort();
  const dir = tempDir();
  cpSync(join(DEPLOYED, name), dir.path, { recursive: true });
  const addresses = [
    [SIDECAR, options.sidecar],
    [APP, options.app],
    [LISTEN, `127.0.0.1:${port}`],
  ] as const;
  const edits = [...(options.whenDown === 'closed' ? kind.closed : []), ...(options.edits ?? [])];
  const missing = new Set(edits.map(([from]) => from));
  for (const file of readdirSync(dir.path)) {
    let text = readFileSync(join(dir.path, file), 'utf8');
    for (const [from, to] of [...edits, ...addresses]) {
      if (text.includes(from)) missing.delete(from);
      text = text.replaceAll(from, () => to);
    }
    writeFileSync(join(dir.path, file), text);
  }
  if (missing.size > 0) throw new Error(`the files of ${name} no longer hold: ${[...missing].join(', ')}`);
  const server = await startServerProgram(name, {
    args: kind.args,
    packageName: kind.packageName,
    cwd: dir.path,
    env: { ...kind.env(port, options), HOME: dir.path },
    isReady: () => accepts(port),
  });
  const dispose = async (): Promise<void> => {
    await server[Symbol.asyncDispose]();
    dir[Symbol.dispose]();
  };
  return { url: `http://127.0.0.1:${port}`, port, log: () => server.log(), [Symbol.asyncDispose]: dispose };
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
