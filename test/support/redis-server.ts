import { spawn, type ChildProcess } from 'node:child_process';
import { createServer, type AddressInfo } from 'node:net';
import { Redis } from 'ioredis';
import { tempDir } from './temp-dir.ts';

const START_MS_MAX = 10_000;

export interface RedisServer extends AsyncDisposable {
  readonly url: string;
  /** Answers nothing while stopped, keeps its connections. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void;
  /** What the server answers to one command. */
  readonly command: (name: string, ...args: readonly string[]) => Promise<unknown>;
  /** Without a word, as a power cut of the process alone. */
  kill(): Promise<void>;
  /** After a kill: the same port and folder. */
  restart(): Promise<void>;
}

interface RedisOptions {
  readonly password?: string;
  readonly port?: number;
  /** Every write is in the file before it is answered. */
  readonly isAppendOnly?: boolean;
  readonly isClustered?: boolean;
  readonly env?: Readonly<Record<string, string>>;
}

/** A real redis-server on a free port of 127.0.0.1 with a folder of its own; ends with the scope. */
export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  const port = options.port ?? (await freePort());
  const dir = tempDir();
  const password = options.password === undefined ? [] : ['--requirepass', options.password];
  const appendOnly = ['--appendonly', options.isAppendOnly === true ? 'yes' : 'no'];
  const clustered = options.isClustered === true ? ['--cluster-enabled', 'yes'] : [];
  const args = ['--bind', '127.0.0.1', '--port', String(port), '--dir', dir.path, '--save', '', ...appendOnly, ...clustered, ...password];
  const start = (): Promise<Running> => launch(args, options.env);
  let running = await start();
  const url = `redis://127.0.0.1:${port}`;
  const command = async (name: string, ...rest: readonly string[]): Promise<unknown> => {
    const redis = new Redis(url, options.password === undefined ? {} : { password: options.password });
    try {
      return await redis.call(name, ...rest);
    } finally {
      redis.disconnect();
    }
  };
  const kill = async (): Promise<void> => {
    running.child.kill('SIGKILL');
    await running.ended;
  };
  return {
    url,
    signal: (name) => void running.child.kill(name),
    command,
    kill,
    restart: async () => {
      running = await start();
    },
    [Symbol.asyncDispose]: async () => {
      await kill();
      dir[Symbol.dispose]();
    },
  };
}

interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<void>;
}

async function launch(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Running> {
  const child = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...env } });
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => resolve());
    child.once('error', () => resolve());
  });
  try {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`redis-server did not start within ${START_MS_MAX} ms`)), START_MS_MAX);
      let out = '';
      child.once('error', (cause) => reject(new Error('these tests need redis-server: apt-get install redis-server', { cause })));
      child.once('close', () => reject(new Error(`redis-server ended before it was ready: ${out}`)));
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        out += text;
        if (!out.includes('Ready to accept connections')) return;
        clearTimeout(timer);
        resolve();
      });
    });
    return { child, ended };
  } catch (error) {
    child.kill('SIGKILL');
    await ended;
    throw error;
  }
}

/** A port that nobody listened on a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}
