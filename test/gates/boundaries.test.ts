import { createRequire } from 'node:module';
import { describe, expect, it, vi } from 'vitest';
import { GATE_TIMEOUT_MS, makeCanary } from '../support/canary.ts';

vi.setConfig({ testTimeout: GATE_TIMEOUT_MS });

const settings = createRequire(import.meta.url)('../../.dependency-cruiser.cjs') as { forbidden: { name: string }[] };

const leaf = 'export const value = 1;\n';
const importing = (path: string): string => `import * as other from '${path}';\n\nexport const kept = other;\n`;

/** Files that break nothing; the planted ones import them. */
const TARGETS: Readonly<Record<string, string>> = {
  'src/anchor/open-checkpoint-lock.ts': importing('../ledger/ports.ts'),
  'src/anchor/witness.ts': leaf,
  'src/attack/catalogue.ts': importing('../kernel/bytes.ts'),
  'src/main.ts': leaf,
  'src/app.ts': leaf,
  'src/context.ts': leaf,
  'src/bundle/format.ts': importing('../kernel/bytes.ts'),
  'src/bundle/plan.ts': importing('../ledger/ports.ts'),
  'src/cli/command.ts': leaf,
  'src/config/config.ts': leaf,
  'src/http/cycle-b.ts': leaf,
  'src/http/routes.ts': leaf,
  'src/ingest/parse.ts': importing('../kernel/bytes.ts'),
  'src/kernel/bytes.ts': leaf,
  'src/ledger/files.ts': importing('node:fs'),
  'src/ledger/ports.ts': leaf,
  'src/ledger/writer.ts': leaf,
  'src/limiter/store.ts': leaf,
  'src/watch/watch.ts': leaf,
  'src/verify/verify.ts': `import * as format from '../bundle/format.ts';\n${importing('../kernel/bytes.ts')}export const used = format;\n`,
  'test/support/fake.ts': leaf,
};

/** [rule that must refuse it, file, what it imports, how the path that the gate names for it ends]. */
const PLANTED: readonly (readonly [rule: string, from: string, specifier: string, to: string])[] = [
  ['kernel-imports-no-room', 'src/kernel/bad.ts', '../ledger/ports.ts', 'src/ledger/ports.ts'],
  ['kernel-imports-no-room', 'src/kernel/bad-config.ts', '../config/config.ts', 'src/config/config.ts'],
  ['verify-imports-kernel-and-bundle-format-only', 'src/verify/bad-plan.ts', '../bundle/plan.ts', 'src/bundle/plan.ts'],
  ['verify-imports-kernel-and-bundle-format-only', 'src/verify/bad-ledger.ts', '../ledger/ports.ts', 'src/ledger/ports.ts'],
  ['ledger-sees-no-server', 'src/ledger/bad-http.ts', '../http/routes.ts', 'src/http/routes.ts'],
  ['ledger-sees-no-server', 'src/ledger/bad-bundle.ts', '../bundle/plan.ts', 'src/bundle/plan.ts'],
  ['ledger-sees-no-server', 'src/ledger/bad-limiter.ts', '../limiter/store.ts', 'src/limiter/store.ts'],
  ['ledger-sees-no-server', 'src/ledger/bad-ingest.ts', '../ingest/parse.ts', 'src/ingest/parse.ts'],
  ['anchor-imports-kernel-and-ledger-ports-only', 'src/anchor/bad.ts', '../ledger/writer.ts', 'src/ledger/writer.ts'],
  ['archive-imports-kernel-and-ledger-ports-only', 'src/archive/bad.ts', '../ledger/writer.ts', 'src/ledger/writer.ts'],
  ['ledger-opens-locks-only', 'src/ledger/bad-witness.ts', '../anchor/witness.ts', 'src/anchor/witness.ts'],
  ['attack-imports-kernel-only', 'src/attack/bad.ts', '../ledger/ports.ts', 'src/ledger/ports.ts'],
  ['attack-used-by-cli-only', 'src/http/bad-attack.ts', '../attack/catalogue.ts', 'src/attack/catalogue.ts'],
  ['watch-imports-kernel-and-announcements-only', 'src/watch/bad.ts', '../ledger/writer.ts', 'src/ledger/writer.ts'],
  ['watch-wired-by-context-only', 'src/http/bad-watch.ts', '../watch/watch.ts', 'src/watch/watch.ts'],
  ['limiter-imports-kernel-and-ledger-ports-only', 'src/limiter/bad.ts', '../http/routes.ts', 'src/http/routes.ts'],
  ['limiter-imports-kernel-and-ledger-ports-only', 'src/limiter/bad-ledger.ts', '../ledger/writer.ts', 'src/ledger/writer.ts'],
  ['versions-import-kernel-and-ledger-ports-only', 'src/versions/bad.ts', '../http/routes.ts', 'src/http/routes.ts'],
  ['versions-import-kernel-and-ledger-ports-only', 'src/versions/bad-ledger.ts', '../ledger/writer.ts', 'src/ledger/writer.ts'],
  ['ingest-imports-kernel-only', 'src/ingest/bad.ts', '../ledger/ports.ts', 'src/ledger/ports.ts'],
  ['bundle-imports-kernel-and-ledger-ports-only', 'src/bundle/bad.ts', '../ledger/writer.ts', 'src/ledger/writer.ts'],
  ['pure-models-import-nothing', 'src/limiter/window.ts', '../kernel/bytes.ts', 'src/kernel/bytes.ts'],
  ['pure-models-import-nothing', 'src/versions/patch.ts', 'node:path', 'path'],
  ['sign-and-verify-apart', 'src/bundle/bad-verify.ts', '../verify/verify.ts', 'src/verify/verify.ts'],
  ['wiring-imported-by-main-only', 'src/http/bad-app.ts', '../app.ts', 'src/app.ts'],
  ['wiring-imported-by-main-only', 'src/http/bad-context.ts', '../context.ts', 'src/context.ts'],
  ['wiring-imported-by-main-only', 'src/cli/bad-main.ts', '../main.ts', 'src/main.ts'],
  ['rooms-do-not-import-cli', 'src/observe/bad.ts', '../cli/command.ts', 'src/cli/command.ts'],
  ['fs-only-in-rooms-with-stores', 'src/http/bad-fs.ts', 'node:fs', 'fs'],
  ['fs-only-in-rooms-with-stores', 'src/bundle/bad-fs.ts', 'node:fs/promises', 'fs/promises'],
  ['fs-only-in-stores', 'src/ledger/bad-fs.ts', 'node:fs', 'fs'],
  ['fs-only-in-stores', 'src/verify/bad-fs.ts', 'node:fs', 'fs'],
  ['fs-only-in-stores', 'src/attack/bad-fs.ts', 'node:fs', 'fs'],
  ['fs-only-in-stores', 'src/archive/bad-fs.ts', 'node:fs', 'fs'],
  ['fs-only-in-stores', 'src/anchor/bad-fs.ts', 'node:fs/promises', 'fs/promises'],
  ['fs-only-in-stores', 'src/watch/bad-fs.ts', 'node:fs', 'fs'],
  ['fs-only-in-stores', 'src/versions/bad-fs.ts', 'node:fs/promises', 'fs/promises'],
  ['src-imports-no-test-code', 'src/http/bad-test.ts', '../../test/support/fake.ts', 'test/support/fake.ts'],
  ['src-imports-no-development-packages', 'src/http/bad-dev.ts', 'fast-check', 'fast-check.d.ts'],
  ['no-unresolvable', 'src/http/bad-path.ts', './nowhere.ts', './nowhere.ts'],
  ['no-cycles', 'src/http/cycle-a.ts', './cycle-b.ts', 'src/http/cycle-b.ts'],
];

describe('boundaries gate', () => {
  it('accepts rooms that keep the rules, and has looked at every file', () => {
    using canary = makeCanary(TARGETS);
    expect(canary.runGate('boundaries')).toEqual({ exitCode: 0, output: expect.stringMatching(/^\d\d modules, 0 violations\n$/) });
  });

  it('refuses each planted import by the rule that is meant for it', () => {
    const planted = Object.fromEntries(PLANTED.map(([, from, specifier]) => [from, importing(specifier)]));
    using canary = makeCanary({ ...TARGETS, ...planted, 'src/http/cycle-b.ts': importing('./cycle-a.ts') });
    const { exitCode, output } = canary.runGate('boundaries');
    const refused = output.split('\n').map((line) => line.replace(/ \(.*$/, ''));
    const accepted = PLANTED.filter(
      ([rule, from, , to]) => !refused.some((line) => line.startsWith(`${rule}: ${from} imports `) && line.endsWith(to)),
    );
    expect(accepted).toEqual([]);
    expect(exitCode).not.toBe(0);
  });

  it('has a planted violation for every rule', () => {
    expect(new Set(PLANTED.map(([rule]) => rule))).toEqual(new Set(settings.forbidden.map(({ name }) => name)));
  });

  it('refuses to be content when a file was not looked at', () => {
    using canary = makeCanary({
      ...TARGETS,
      '.dependency-cruiser.cjs': "module.exports = { forbidden: [], options: { exclude: '^src/http' } };\n",
    });
    const { exitCode, output } = canary.runGate('boundaries');
    expect(exitCode).not.toBe(0);
    expect(output).toContain('not looked at: src/http/routes.ts');
  });

  it('refuses a folder in which it sees no module', () => {
    using canary = makeCanary({
      'src/main.ts': leaf,
      '.dependency-cruiser.cjs': "module.exports = { forbidden: [], options: { exclude: '.*' } };\n",
    });
    const { exitCode, output } = canary.runGate('boundaries');
    expect(exitCode).not.toBe(0);
    expect(output).toContain('no module was looked at');
  });
});
