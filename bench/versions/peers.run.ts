/**
 * `npm run bench:versions -- [--only NAME] [--rounds 3]`: our patches beside those of xdelta3, bsdiff, zstd and git, in turn on this machine,
 * each in a process of its own: bytes, time and peak memory. Ours lead back too; of the others the patch back is made as well.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { BENCH_VERSIONS_PACKAGES, findMissing, toInstallAdvice } from '../../tools/apt-packages.ts';
import { calibrate } from '../measure.ts';
import { type BenchClass, CLASSES } from './classes.ts';
import { lockFileSeries, packageSeries, type Series } from './series.ts';
import { type Made, OURS, PEERS, type Tool } from './tools.ts';

/** What took longer is not measured again. */
const LONG_S = 15;
/** Two hashes that no other patch carries. */
const HASH_BYTES = 64;

const { values } = parseArgs({ options: { only: { type: 'string' }, rounds: { type: 'string', default: '3' } } });
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1 || rounds > 20) throw new Error(`--rounds "${values.rounds}" is not a number from 1 to 20`);

interface Figure extends Made {
  readonly tool: string;
  /** Of the patch there, and of the one back; of ours they are the same one. */
  readonly bytesBothWays: number;
}

function measure(tool: Tool, folder: string, [old, next]: readonly [string, string]): Figure {
  const made: Made[] = [];
  while (made.length < rounds && !made.some(({ seconds }) => seconds > LONG_S)) made.push(tool.run(folder, old, next));
  const { bytes } = made[0];
  return {
    tool: tool.name,
    bytes,
    bytesBothWays: tool.isTwoWay ? bytes : bytes + tool.run(folder, next, old).bytes,
    seconds: made.map(({ seconds }) => seconds).toSorted((a, b) => a - b)[Math.floor(made.length / 2)],
    peakMiB: Math.max(...made.map(({ peakMiB }) => peakMiB)),
  };
}

/** All patches between neighbours, added up; the most memory of any. */
function measureSeries(tool: Tool, folder: string, versions: readonly Uint8Array[]): Figure {
  const figures = versions.slice(1).map((next, i) => measure(tool, folder, toFiles(folder, versions[i], next)));
  const sum = (of: (figure: Figure) => number): number => figures.reduce((total, figure) => total + of(figure), 0);
  return {
    tool: tool.name,
    bytes: sum(({ bytes }) => bytes),
    bytesBothWays: sum(({ bytesBothWays }) => bytesBothWays),
    seconds: sum(({ seconds }) => seconds),
    peakMiB: Math.max(...figures.map(({ peakMiB }) => peakMiB)),
  };
}

function toSeries(made: BenchClass): { readonly name: string; readonly series: () => Series } {
  const series = (): Series => {
    const { old, next } = made.pair();
    return { name: made.name, what: made.what, versions: [old, next] };
  };
  return { name: made.name, series };
}

function toFiles(folder: string, old: Uint8Array, next: Uint8Array): readonly [string, string] {
  const paths = [join(folder, 'old'), join(folder, 'next')] as const;
  writeFileSync(paths[0], old);
  writeFileSync(paths[1], next);
  return paths;
}

function compare({ name, what, versions }: Series, folder: string): Record<string, unknown> {
  console.log(`\n${name}: ${what}`);
  const figures = [OURS, ...PEERS].map((tool) => measureSeries(tool, folder, versions));
  const [ours, ...peers] = figures;
  const best = (of: (figure: Figure) => number): Figure => peers.reduce((least, figure) => (of(figure) < of(least) ? figure : least));
  const [oneWay, bothWays] = [best(({ bytes }) => bytes), best(({ bytesBothWays }) => bytesBothWays)];
  const patches = versions.length - 1;
  const ratios = {
    bytesWithoutHashes: ours.bytes - HASH_BYTES * patches,
    toBestOneWay: round(ours.bytes / oneWay.bytes),
    toBestOneWayWithoutHashes: round((ours.bytes - HASH_BYTES * patches) / oneWay.bytes),
    bestOneWay: oneWay.tool,
    toBestBothWays: round(ours.bytes / bothWays.bytesBothWays),
    bestBothWays: bothWays.tool,
    mibAboveIdle: round(ours.peakMiB - idleMiB),
  };
  console.table(figures.map((figure) => ({ ...figure, seconds: round(figure.seconds), peakMiB: round(figure.peakMiB) })));
  console.log(ratios);
  return { name, what, patches, figures, ...ratios };
}

const round = (value: number): number => Number(value.toFixed(2));

const missing = findMissing(BENCH_VERSIONS_PACKAGES);
if (missing.length > 0) throw new Error(toInstallAdvice(missing, 'comparisons'));

const script = "console.log(/VmHWM:\\s+(\\d+)/.exec(require('node:fs').readFileSync('/proc/self/status', 'utf8'))[1])";
const idleMiB = Number(execFileSync(process.execPath, ['-e', script], { encoding: 'utf8' })) / 1024;
const calibration = calibrate();
console.log('calibration', calibration, `an idle node: ${round(idleMiB)} MiB`);
const folder = mkdtempSync(join(tmpdir(), 'proofs-bench-'));
const results: Record<string, unknown>[] = [];
try {
  const made = CLASSES.map(toSeries);
  const found = [
    { name: 'lock file', series: lockFileSeries },
    { name: 'npm package', series: () => packageSeries(folder) },
  ];
  const chosen = [...made, ...found].filter(({ name }) => values.only === undefined || name === values.only);
  if (chosen.length === 0)
    throw new Error(`there is no class "${values.only}"; there are ${[...made, ...found].map(({ name }) => name).join(', ')}`);
  mkdirSync('bench/results', { recursive: true });
  for (const { series } of chosen) {
    const versions = series();
    if (versions.versions.length < 2) console.log(`\n${versions.name}: not measured, ${versions.missing ?? 'there is only one version'}`);
    else results.push(compare(versions, folder));
    const file = { at: new Date().toISOString(), rounds, calibration, idleMiB: round(idleMiB), results };
    writeFileSync('bench/results/versions.json', `${JSON.stringify(file, undefined, 2)}\n`);
  }
} finally {
  rmSync(folder, { recursive: true });
}
