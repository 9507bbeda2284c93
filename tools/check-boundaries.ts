/** Runs dependency-cruiser over the folder it is started in, and fails when it has not looked at every TypeScript file. */
import { spawnSync } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { join } from 'node:path';

/** The parts of dependency-cruiser's JSON output that are read. */
interface CruiseResult {
  readonly modules: readonly { readonly source: string }[];
  readonly summary: {
    readonly ruleSetUsed: { readonly forbidden: readonly { readonly name: string; readonly comment: string }[] };
    readonly violations: readonly {
      readonly from: string;
      readonly to: string;
      readonly rule: { readonly name: string };
    }[];
  };
}

/** A cruise of a repository ten times our size; beyond it something is wrong with what is cruised. */
const OUTPUT_BYTES_MAX = 256 * 1024 * 1024;

const cruiser = join(import.meta.dirname, '../node_modules/dependency-cruiser/bin/dependency-cruiser.mjs');
const folders = ['src', 'test', 'tools', 'bench', 'proofs/host', 'proofs/check', 'proofs/difftest'].filter((folder) => existsSync(folder));
const { stdout, stderr } = spawnSync(process.execPath, [cruiser, ...folders, '--output-type', 'json'], {
  encoding: 'utf8',
  maxBuffer: OUTPUT_BYTES_MAX,
});
if (!stdout.startsWith('{')) throw new Error(`dependency-cruiser left no result: ${stdout}${stderr}`);
const { modules, summary } = JSON.parse(stdout) as CruiseResult;

// Without a TypeScript compiler it can use, dependency-cruiser sees nothing and is content. So count for ourselves.
const cruised = new Set(modules.map(({ source }) => source));
const missed = globSync(folders.map((folder) => `${folder}/**/*.ts`)).filter(
  (file) => !file.includes('node_modules') && !cruised.has(file),
);
for (const file of missed) console.error(`not looked at: ${file}`);
const reasons = new Map(summary.ruleSetUsed.forbidden.map(({ name, comment }) => [name, comment]));
for (const { rule, from, to } of summary.violations) console.error(`${rule.name}: ${from} imports ${to} (${reasons.get(rule.name) ?? ''})`);
if (cruised.size === 0) console.error('no module was looked at');
console.log(`${cruised.size} modules, ${summary.violations.length} violations`);
if (cruised.size === 0 || missed.length > 0 || summary.violations.length > 0) process.exitCode = 1;
