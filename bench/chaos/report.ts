import type { Calibration } from '../measure.ts';
import { DEFINITIONS } from './definitions.ts';
import type { Bin, RunResult } from './one-run.ts';
import type { StoreResult } from './store-run.ts';

export interface Report {
  readonly format: 'post-incident-proofs/chaos/1';
  readonly at: string;
  readonly command: string;
  readonly seconds: number;
  readonly calibration: Calibration;
  readonly definitions: typeof DEFINITIONS;
  readonly runs: readonly RunResult[];
  /** The shared store without HTTP. */
  readonly store: StoreResult | undefined;
  readonly failures: readonly string[];
}

const WIDTH = 560;
const HEIGHT = 150;
const PAD = { left: 46, right: 8, top: 8, bottom: 20 };

const escape = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
const whole = (value: number): string => value.toLocaleString('en');
const percent = (value: number): string => `${(value * 100).toPrecision(2)} %`;

/** One page without scripts and without anything from elsewhere. */
export function toHtml(report: Report): string {
  const verdict =
    report.failures.length === 0
      ? '<p class="good">Every run was as expected.</p>'
      : `<ul class="bad">${report.failures.map((each) => `<li>${escape(each)}</li>`).join('')}</ul>`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Chaos run of the rate limiter</title>
<style>
:root { color-scheme: light dark; --line: light-dark(#d0d4da, #3b414b); --good: light-dark(#0a7d33, #4cc779); --bad: light-dark(#b3261e, #ff8a80); --a: light-dark(#2563eb, #6ea0ff); --b: light-dark(#c2410c, #ff9d66); --c: light-dark(#7c3aed, #b794ff); }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1240px; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; } th, td { border-bottom: 1px solid var(--line); padding: .3rem .6rem; text-align: right; vertical-align: top; } th:first-child, td:first-child { text-align: left; }
.good { color: var(--good); } .bad { color: var(--bad); } figure { display: inline-block; margin: 0 1rem 1rem 0; } figcaption { font-size: 13px; } svg { max-width: 100%; height: auto; } svg text { font: 11px system-ui, sans-serif; fill: currentColor; }
section { border-top: 1px solid var(--line); margin-top: 2rem; } dt { font-weight: 600; } code { font-size: 13px; }
</style></head><body>
<h1>Chaos run of the rate limiter</h1>
<p><code>${escape(report.command)}</code>, ${escape(report.at)}, ${Math.round(report.seconds)} s; ${escape(report.calibration.cpu)}, ${report.calibration.cores} cores, Node ${escape(report.calibration.node)}; load generator, Redis and sidecars on the same cores.</p>
${verdict}
${table(report)}
${storeSection(report.store)}
<section><h2>What is counted</h2><dl>${Object.entries(DEFINITIONS)
    .map(([name, text]) => `<dt>${escape(name)}</dt><dd>${escape(text)}</dd>`)
    .join('')}</dl></section>
${report.runs.map(section).join('\n')}
</body></html>
`;
}

function table({ runs }: Report): string {
  const rows = runs.map(({ name, accuracy, certain, expected, failures, reachedPerS, latency, answers }) => {
    const cells = [
      `<a href="#${name}">${escape(name)}</a>`,
      expected,
      whole(reachedPerS),
      accuracy === undefined ? '' : `${whole(accuracy.falseNegatives)} of ${whole(accuracy.over)}`,
      accuracy === undefined ? '' : `&lt; ${percent(accuracy.falseNegativeBound)}`,
      accuracy === undefined ? '' : `${whole(accuracy.falsePositives)} of ${whole(accuracy.notOver)}`,
      accuracy === undefined ? '' : `&lt; ${percent(accuracy.falsePositiveBound)}`,
      accuracy === undefined ? '' : whole(accuracy.nearLimit),
      certain === undefined ? '' : `${whole(certain.overAdmissions)} / ${whole(certain.falseDenials)}`,
      whole(answers.unavailable),
      `${latency.p50Ms} / ${latency.p99Ms}`,
      failures.length === 0 ? '<span class="good">as expected</span>' : `<span class="bad">${escape(failures.join('; '))}</span>`,
    ];
    return `<tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`;
  });
  const heads = [
    'run',
    'expected',
    'requests/s',
    'FN of over',
    'FN at 95 %',
    'FP of not over',
    'FP at 95 %',
    'near the limit',
    'certain over / false',
    '503',
    'p50 / p99 ms',
    'verdict',
  ];
  return `<table><thead><tr>${heads.map((head) => `<th>${head}</th>`).join('')}</tr></thead><tbody>${rows.join('')}</tbody></table>`;
}

function storeSection(store: StoreResult | undefined): string {
  if (store === undefined) return '';
  const { decisionsPerS, decisions, seconds, accuracy } = store;
  return `<p>The shared store without HTTP: ${whole(decisionsPerS)} decisions/s over ${seconds.toFixed(1)} s; of ${whole(decisions)} decisions ${whole(accuracy.falseNegatives)} were false negatives and ${whole(accuracy.falsePositives)} false positives.</p>`;
}

function section({ name, what, conditions, bins, trace, failures }: RunResult): string {
  const said = Object.entries(conditions)
    .map(([key, value]) => `${key} ${value}`)
    .join(' · ');
  const counts = `${whole(trace.admitted)} admitted, ${whole(trace.denied)} denied, ${whole(trace.faults)} refused by a fault, ${whole(trace.replays)} repetitions, ${whole(trace.degraded)} decided without the store`;
  const charts = [
    chart('fullest window, as a share of its limit', bins, [['--a', ({ fullest }) => (fullest === 0 ? null : fullest)]], 1),
    chart('decisions in each bin: admitted, denied, refused by a fault', bins, [
      ['--a', ({ admitted }) => admitted],
      ['--b', ({ denied }) => denied],
      ['--c', ({ faults }) => faults],
    ]),
    chart('milliseconds until the answer, from when a request was due: p50 and p99', bins, [
      ['--a', ({ p50Ms }) => p50Ms],
      ['--b', ({ p99Ms }) => p99Ms],
    ]),
  ];
  const verdict = failures.length === 0 ? '' : `<p class="bad">${escape(failures.join('; '))}</p>`;
  return `<section id="${name}"><h2>${escape(name)}</h2><p>${escape(what)}. ${escape(said)}.<br>${counts}.</p>${verdict}${charts.join('')}</section>`;
}

type Series = readonly [color: string, value: (bin: Bin) => number | null];

function chart(caption: string, bins: readonly Bin[], series: readonly Series[], line?: number): string {
  const values = series.flatMap(([, value]) => bins.map(value)).filter((value) => value !== null);
  if (values.length === 0) return '';
  const top = Math.max(...values, line ?? 0, 1e-9) * 1.08;
  const last = bins[bins.length - 1].second + bins[1].second;
  const x = (second: number): number => PAD.left + (second / last) * (WIDTH - PAD.left - PAD.right);
  const y = (value: number): number => HEIGHT - PAD.bottom - (value / top) * (HEIGHT - PAD.top - PAD.bottom);
  const paths = series.map(([color, value]) => {
    let isDrawing = false;
    const steps = bins.map((bin) => {
      const at = value(bin);
      if (at === null) isDrawing = false;
      const step = at === null ? '' : `${isDrawing ? 'L' : 'M'}${x(bin.second).toFixed(1)} ${y(at).toFixed(1)}`;
      if (at !== null) isDrawing = true;
      return step;
    });
    return `<path d="${steps.join('')}" fill="none" stroke="var(${color})" stroke-width="1.5"/>`;
  });
  const limit =
    line === undefined ? '' : `<path d="M${PAD.left} ${y(line)}H${WIDTH - PAD.right}" stroke="var(--bad)" stroke-dasharray="4 3"/>`;
  const ticks = [0, top / 1.08].map(
    (value) => `<text x="${PAD.left - 6}" y="${y(value) + 4}" text-anchor="end">${Number(value.toPrecision(3))}</text>`,
  );
  const times = [0, last / 2, last].map(
    (second) => `<text x="${x(second)}" y="${HEIGHT - 4}" text-anchor="middle">${Number(second.toFixed(1))} s</text>`,
  );
  const axis = `<path d="M${PAD.left} ${PAD.top}V${HEIGHT - PAD.bottom}H${WIDTH - PAD.right}" fill="none" stroke="var(--line)"/>`;
  return `<figure><figcaption>${escape(caption)}</figcaption><svg viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" aria-label="${escape(caption)}">${axis}${limit}${paths.join('')}${ticks.join('')}${times.join('')}</svg></figure>`;
}
