import { execFile, spawnSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { GATE_TIMEOUT_MS, makeCanary } from '../support/canary.ts';

vi.setConfig({ testTimeout: GATE_TIMEOUT_MS });

const root = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

interface PackageJson {
  readonly bin: Readonly<Record<string, string>>;
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly allowScripts: Readonly<Record<string, boolean>>;
}
const packageJson = JSON.parse(read('package.json')) as PackageJson;
interface LockedPackage {
  readonly version?: string;
  readonly integrity?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly os?: readonly string[];
  readonly hasInstallScript?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}
const lockfile = JSON.parse(read('package-lock.json')) as { packages: Record<string, LockedPackage> };

describe('package.json', () => {
  it('names only scripts whose file exists', () => {
    const files = Object.values(packageJson.scripts).flatMap((script) => script.match(/\b[a-z./-]+\.ts\b/g) ?? []);
    expect(files).toContain('tools/test.ts');
    expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([]);
  });

  it('names only programs whose source exists and can be started by its name', () => {
    for (const [name, file] of Object.entries(packageJson.bin)) {
      const source = file.replace(/^dist\//, 'src/').replace(/\.js$/, '.ts');
      expect(existsSync(join(root, source)), `${name} needs ${source}`).toBe(true);
      expect(read(source).split('\n')[0], source).toBe('#!/usr/bin/env node');
    }
  });

  it('pins every package to one version', () => {
    const ranges = Object.entries({ ...packageJson.dependencies, ...packageJson.devDependencies });
    expect(ranges.filter(([, range]) => !/^(?:npm:.+@)?\d+\.\d+\.\d+(?:-[a-z0-9.]+)?$/.test(range))).toEqual([]);
  });

  it('decides about every package that wants to run a script when it is installed', () => {
    const wanting = Object.entries(lockfile.packages).filter(([, { hasInstallScript }]) => hasInstallScript === true);
    const names = wanting.map(([path]) => path.replace(/^.*node_modules\//, ''));
    expect(Object.keys(packageJson.allowScripts).toSorted()).toEqual([...new Set(names)].toSorted());
    // The image is built with install scripts off, so nothing that ships may need one.
    expect(wanting.filter(([, { dev }]) => dev !== true)).toEqual([]);
  });

  it('has a decision record for every package that ships', () => {
    const records = globSync('docs/adr/*.md', { cwd: root }).map((path) => read(path));
    const missing = Object.keys(packageJson.dependencies).filter((name) => !records.some((record) => record.includes(`\`${name}\``)));
    expect(missing).toEqual([]);
  });
});

describe('package-lock.json', () => {
  const locked = Object.fromEntries(Object.entries(lockfile.packages).filter(([path]) => path !== ''));

  it('locks the builds for other platforms too, without which npm ci refuses the file', () => {
    const optional = Object.values(locked).flatMap((entry) => Object.keys(entry.optionalDependencies ?? {}));
    const present = new Set(Object.keys(locked).map((path) => path.replace(/^.*node_modules\//, '')));
    expect(optional.length).toBeGreaterThan(50);
    expect(optional.filter((name) => !present.has(name))).toEqual([]);
  });

  it('lacks a hash only for optional development tools, built for platforms whose builds were out of reach', () => {
    const unknown = Object.entries(locked).filter(([, { integrity }]) => integrity === undefined);
    expect(unknown.filter(([, { dev, optional }]) => dev !== true || optional !== true)).toEqual([]);
    expect(Object.entries(locked).filter(([, { version }]) => version === undefined)).toEqual([]);
  });
});

describe('Makefile', () => {
  it('has only targets that run an npm script that exists', () => {
    const makefile = read('Makefile');
    const commands = [...makefile.matchAll(/^\tnpm (?:run )?([a-z]+)$/gm)].map(([, script]) => script ?? '');
    const targets = /^\.PHONY: (.+)$/m.exec(makefile)?.[1]?.split(' ') ?? [];
    expect(commands).toHaveLength(targets.length);
    expect(commands.filter((script) => script !== 'ci' && !(script in packageJson.scripts))).toEqual([]);
    const { status, stderr } = spawnSync('make', ['--dry-run', ...targets], { cwd: root, encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });
});

/** Instructions with continued lines joined and comments dropped. */
function parseDockerfile(): readonly { readonly name: string; readonly rest: string }[] {
  const lines = read('Dockerfile').replaceAll('\\\n', ' ').split('\n');
  return lines
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => ({ name: line.split(' ', 1)[0] ?? '', rest: line.replace(/^\S+ /, '') }));
}

describe('Dockerfile', () => {
  const instructions = parseDockerfile();
  const restOf = (name: string): readonly string[] =>
    instructions.filter((instruction) => instruction.name === name).map(({ rest }) => rest);

  it('copies only what exists and what .dockerignore lets through', () => {
    const copied = restOf('COPY').filter((rest) => !rest.startsWith('--from='));
    const sources = copied.flatMap((rest) => rest.split(' ').slice(0, -1));
    expect(sources).toContain('src/');
    expect(sources.filter((source) => !existsSync(join(root, source)))).toEqual([]);
    const allowed = new Set(
      read('.dockerignore')
        .split('\n')
        .filter((line) => line.startsWith('!'))
        .map((line) => line.slice(1)),
    );
    expect(new Set(sources)).toEqual(allowed);
  });

  it('copies every local file that its build tool imports', () => {
    const imported = [...read('tools/build.ts').matchAll(/from '\.\/([a-z-]+\.ts)'/g)].map(([, file]) => `tools/${file}`);
    expect(restOf('COPY').join(' ')).toEqual(expect.stringContaining(['tools/build.ts', ...imported].join(' ')));
  });

  it('runs as an ordinary user who owns the data folder', () => {
    expect(restOf('USER')).toEqual(['node']);
    expect(restOf('VOLUME')).toEqual(['/data']);
    expect(restOf('RUN').at(-1)).toBe('install -d -o node -g node -m 0700 /data');
  });

  it.each([
    [200, 0],
    [503, 1],
  ])('calls a sidecar whose /healthz answers %d healthy with exit code %d', async (status, exitCode) => {
    const [program = '', ...args] = JSON.parse(restOf('HEALTHCHECK')[0]?.replace(/^.*? CMD /, '') ?? '[]') as string[];
    expect(program).toBe('node');
    await using server = createServer((request, response) => void response.writeHead(request.url === '/healthz' ? status : 404).end());
    const port = await new Promise<number>((resolve, reject) => {
      server.once('error', reject).listen(0, '127.0.0.1', () => {
        const address = server.address();
        resolve(typeof address === 'object' && address !== null ? address.port : 0);
      });
    });
    const run = promisify(execFile)(process.execPath, args, { env: { PROOFS_PORT: String(port) } });
    const ended = await run.then(
      () => 0,
      (error: unknown) => (error instanceof Error && 'code' in error ? error.code : error),
    );
    expect(ended).toBe(exitCode);
  });

  it('calls a sidecar that does not listen unhealthy', () => {
    const [, ...args] = JSON.parse(restOf('HEALTHCHECK')[0]?.replace(/^.*? CMD /, '') ?? '[]') as string[];
    // Port 9 (discard) is refused by fetch itself, so nothing that listens can make this pass.
    expect(spawnSync(process.execPath, args, { env: { PROOFS_PORT: '9' } }).status).toBe(1);
  });
});

describe('docker-compose.yml', () => {
  interface Service {
    readonly build?: string;
    readonly ports?: readonly string[];
    readonly read_only?: boolean;
    readonly cap_drop?: readonly string[];
    readonly security_opt?: readonly string[];
    readonly volumes?: readonly string[];
  }
  const compose = parse(read('docker-compose.yml')) as {
    services: Record<string, Service>;
    secrets: Record<string, { file: string }>;
    volumes: Record<string, unknown>;
  };

  it('is accepted by docker-compose', () => {
    const { status, stderr } = spawnSync('docker-compose', ['-f', 'docker-compose.yml', 'config', '--quiet'], {
      cwd: root,
      encoding: 'utf8',
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  it('gives no container more than it needs', () => {
    for (const [name, service] of Object.entries(compose.services)) {
      expect(service, name).toMatchObject({ read_only: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] });
    }
  });

  it('publishes ports on loopback only', () => {
    const ports = Object.values(compose.services).flatMap((service) => service.ports ?? []);
    expect(ports).not.toEqual([]);
    expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
  });

  it('mounts only what exists: named volumes that are declared, and folders of the repository', () => {
    const sources = Object.values(compose.services).flatMap((service) =>
      (service.volumes ?? []).map((volume) => volume.split(':', 1)[0] ?? ''),
    );
    expect(sources.filter((source) => !(source in compose.volumes) && !existsSync(join(root, source)))).toEqual([]);
    expect(compose.services['proofs']?.build).toBe('.');
  });

  it('takes secrets from files that git ignores', () => {
    const files = Object.values(compose.secrets).map(({ file }) => file);
    const { status } = spawnSync('git', ['check-ignore', '--quiet', ...files], { cwd: root });
    expect(status).toBe(0);
  });
});

describe('build gate', () => {
  const built = (dir: string, file: string): string => readFileSync(join(dir, 'dist', file), 'utf8');

  it('leads every import to JavaScript, also one made while running', () => {
    using canary = makeCanary({
      'src/main.ts': "import { part } from './part.ts';\n\nexport const main = part;\n",
      'src/part.ts': 'export const part: number = 1;\n',
      'src/bin/alias.ts': "#!/usr/bin/env node\nawait import('../main.ts');\n",
    });
    expect(canary.runGate('build')).toEqual({ exitCode: 0, output: '' });
    expect(built(canary.dir, 'main.js')).toContain("from './part.js'");
    const run = spawnSync(process.execPath, [join(canary.dir, 'dist/bin/alias.js')], { encoding: 'utf8' });
    expect(run).toMatchObject({ status: 0, stderr: '' });
  });

  it('refuses a worker address that would be lost in dist', () => {
    using canary = makeCanary({ 'src/main.ts': "export const worker = new URL('./worker.ts', import.meta.url);\n" });
    const { exitCode, output } = canary.runGate('build');
    expect(exitCode).not.toBe(0);
    expect(output).toContain('"dist/main.js" opens a .ts file that is not in dist');
  });
});
