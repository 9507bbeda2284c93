import { describe, expect, it, vi } from 'vitest';
import { GATE_TIMEOUT_MS, makeCanary } from '../support/canary.ts';

vi.setConfig({ testTimeout: GATE_TIMEOUT_MS });

const CLEAN = "export const clean = 'yes';\n";
const APP = { 'src/bundle/timeline/app/main.ts': CLEAN };

describe('format gate', () => {
  it('accepts a formatted file and refuses a badly formatted one', () => {
    using canary = makeCanary({ 'src/clean.ts': CLEAN });
    expect(canary.runGate('format')).toEqual({ exitCode: 0, output: '' });
    canary.plant({ 'src/clean.ts': 'export const clean="no"\n' });
    const { exitCode, output } = canary.runGate('format');
    expect(exitCode).not.toBe(0);
    expect(output).toContain('src/clean.ts');
  });
});

describe('types gate', () => {
  it('accepts sound code and refuses a type error', () => {
    using canary = makeCanary({ ...APP, 'src/clean.ts': CLEAN });
    expect(canary.runGate('types')).toEqual({ exitCode: 0, output: '' });
    canary.plant({ 'src/wrong.ts': "export const size: number = 'five';\n" });
    const { exitCode, output } = canary.runGate('types');
    expect(exitCode).not.toBe(0);
    expect(output).toMatch(/src\/wrong\.ts\(1,14\): error TS2322/);
  });

  it('refuses a type error in the browser code, which has its own settings', () => {
    using canary = makeCanary({ ...APP, 'src/bundle/timeline/app/wrong.ts': "export const size: number = 'five';\n" });
    const { exitCode, output } = canary.runGate('types');
    expect(exitCode).not.toBe(0);
    expect(output).toMatch(/wrong\.ts\(1,14\): error TS2322/);
  });

  it('refuses TypeScript that is not erasable, because Node runs the files as they are', () => {
    using canary = makeCanary({ ...APP, 'src/wrong.ts': 'export enum Level {\n  info,\n}\n' });
    const { exitCode, output } = canary.runGate('types');
    expect(exitCode).not.toBe(0);
    expect(output).toContain('TS1294');
  });
});

describe('dead code gate', () => {
  const settings = { 'package.json': '{ "name": "canary", "type": "module" }\n' };

  it('accepts code that is used and refuses an unused export', () => {
    using canary = makeCanary({
      ...settings,
      'src/main.ts': "import { used } from './part.ts';\n\nused();\n",
      'src/part.ts': 'export function used(): void {}\n',
    });
    expect(canary.runGate('dead code').exitCode).toBe(0);
    canary.plant({ 'src/part.ts': 'export function used(): void {}\n\nexport function forgotten(): void {}\n' });
    const { exitCode, output } = canary.runGate('dead code');
    expect(exitCode).not.toBe(0);
    expect(output).toMatch(/Unused exports \(1\)\nforgotten/);
  });

  it('refuses a file that nothing imports', () => {
    using canary = makeCanary({ ...settings, 'src/main.ts': 'console.log(1);\n', 'src/orphan.ts': CLEAN });
    const { exitCode, output } = canary.runGate('dead code');
    expect(exitCode).not.toBe(0);
    expect(output).toMatch(/Unused files \(1\)\nsrc\/orphan\.ts/);
  });

  it('refuses a package that nothing uses', () => {
    using canary = makeCanary({
      'package.json': '{ "name": "canary", "type": "module", "dependencies": { "yaml": "2.9.1" } }\n',
      'src/main.ts': 'console.log(1);\n',
    });
    const { exitCode, output } = canary.runGate('dead code');
    expect(exitCode).not.toBe(0);
    expect(output).toMatch(/Unused dependencies \(1\)\nyaml/);
  });
});
