import { NEEDS, type Attack } from '../../src/attack/attack.ts';
import { CATALOGUE } from '../../src/attack/catalogue.ts';
import type { LiveRun } from './attack-live.ts';
import { LIVE_STATES, type LiveStateName } from './attack-live-states.ts';

/** A run in which the machine held up a thread that only sleeps for longer says nothing about us. */
export const STALL_MS_MAX = 50;
/** Of all runs; a machine that stalls more often is no place to measure. */
export const DISTURBED_SHARE_MAX = 0.05;
/** What docs and design promise. */
export const DETECT_MS_MAX = 200;

export interface LiveResult {
  readonly attack: Attack;
  readonly state: LiveStateName;
  readonly eventBytes: number;
  readonly runs: readonly LiveRun[];
  /** One more run with the immutable flag set, where it was asked for. */
  readonly immutable?: LiveRun | undefined;
}

/** What a row has to answer for: a detection that is missing or late, or an alarm without a cause. */
export function faultsOf({ attack, state, runs }: LiveResult): string[] {
  const where = `${attack.name}, ${state}`;
  const counted = runs.filter(({ stallMs, isUndone }) => stallMs <= STALL_MS_MAX && isUndone !== true);
  if (attack.live === 'quiet')
    return counted.some(({ latencyMs }) => latencyMs !== undefined) ? [`${where}: an alarm without a cause`] : [];
  if (attack.live !== 'detected' || runs.every(({ notPossible }) => notPossible !== undefined)) return [];
  const missed = counted.filter(({ latencyMs }) => latencyMs === undefined).length;
  const late = counted.filter(({ latencyMs }) => (latencyMs ?? 0) >= DETECT_MS_MAX).length;
  return [
    ...(missed === 0 ? [] : [`${where}: not detected in ${missed} of ${counted.length} runs`]),
    ...(late === 0 ? [] : [`${where}: later than ${DETECT_MS_MAX} ms in ${late} of ${counted.length} runs`]),
  ];
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

/** `p50 / p99 / max`, or the words that stand for it. */
export function liveCell(result: LiveResult | undefined): string {
  if (result === undefined || result.runs.length === 0) return '–';
  const { attack, runs, immutable } = result;
  if (runs.every(({ notPossible }) => notPossible !== undefined)) return 'not possible';
  const counted = runs.filter(({ stallMs, isUndone }) => stallMs <= STALL_MS_MAX && isUndone !== true);
  const latencies = counted.flatMap(({ latencyMs }) => (latencyMs === undefined ? [] : [latencyMs])).toSorted((a, b) => a - b);
  const disturbed = runs.filter(({ stallMs }) => stallMs > STALL_MS_MAX).length;
  const undone = runs.length - counted.length - disturbed;
  const count = `${runs.length}${disturbed === 0 ? '' : `, ${disturbed} disturbed`}${undone === 0 ? '' : `, ${undone} overwritten`}`;
  const prevented = immutable?.prevented === undefined ? '' : '; prevented with the flag';
  if (attack.live === 'quiet') return latencies.length === 0 ? `quiet (${count})` : `**alarm** (${count})`;
  if (latencies.length === 0) return `${disturbed === runs.length ? 'not measured' : 'not seen'} (${count})${prevented}`;
  const [p50, p99, max] = [quantile(latencies, 0.5), quantile(latencies, 0.99), latencies[latencies.length - 1]];
  const missed = counted.length - latencies.length;
  const unseen = missed === 0 ? '' : `, ${missed} not seen`;
  return `${Math.round(p50)} / ${Math.round(p99)} / ${Math.round(max)} (${count}${unseen})${prevented}`;
}

function verdictCell({ root, anchor, public: alone }: Attack['expected']): string {
  return root === anchor && anchor === alone ? root : `${root} / ${anchor} / ${alone}`;
}

/** What is known without a run: test/unit/attack-docs.test.ts holds docs/attacks.md to it. */
export function catalogueTable(): string {
  const rows = CATALOGUE.map((attack) => {
    const needs = attack.needs.map((need) => NEEDS[need]).join('; ');
    const place = attack.isLocated ? 'named' : '';
    return `| \`${attack.name}\` | ${attack.summary} | ${needs} | ${verdictCell(attack.expected)} | ${place} |`;
  });
  return ['| attack | what is done | needs | `log verify` | place |', '| --- | --- | --- | --- | --- |', ...rows].join('\n');
}

function liveTable(results: readonly LiveResult[]): string {
  const sizes = [...new Set(results.map(({ eventBytes }) => eventBytes))];
  return sizes
    .map((eventBytes) => {
      const ofSize = results.filter((result) => result.eventBytes === eventBytes);
      const states = LIVE_STATES.filter((state) => ofSize.some((result) => result.state === state));
      const rows = CATALOGUE.filter((attack) => ofSize.some((result) => result.attack === attack)).map((attack) => {
        const cells = states.map((state) => liveCell(ofSize.find((result) => result.attack === attack && result.state === state)));
        return `| \`${attack.name}\` | ${cells.join(' | ')} | ${typeof attack.live === 'object' ? attack.live.exempt : ''} |`;
      });
      const head = [`### Events of about ${eventBytes} bytes`, '', `| attack | ${states.join(' | ')} | exempt because |`];
      return [...head, `| --- | ${states.map(() => '---').join(' | ')} | --- |`, ...rows].join('\n');
    })
    .join('\n\n');
}

/** docs/attacks.md */
export function attacksMarkdown(results: readonly LiveResult[]): string {
  const runs = results.flatMap((result) => result.runs);
  const disturbed = runs.filter(({ stallMs }) => stallMs > STALL_MS_MAX).length;
  const share = `${disturbed} of ${runs.length} runs were disturbed (a thread that only sleeps was held up for more than ${STALL_MS_MAX} ms).`;
  return `${HEAD}\n\n${catalogueTable()}\n\n${LIVE_HEAD}\n\n${share}\n\n${liveTable(results)}\n`;
}

const HEAD = `# Attacks

Generated by \`node test/fault/attack-live.run.ts\`; not edited by hand. \`pproofs attack NAME --on DIR\` does each of these to a copy of
your own ledger, \`pproofs attack all --on DIR\` does all of them and prints what the verifier says.

Three verdicts stand for: with the root key / with the public key and a checkpoint of before, kept elsewhere / with the public key alone. One
verdict means that all three say the same. "Place named" means that the report names the entries that were changed. Where a verdict begins with
OK although entries were changed, the report says that it could not exclude this: the row is a limit, not an oversight. An intruder who
holds the keys of the running epoch can rewrite that epoch; only what was kept elsewhere shows it.

Every row is asserted by \`test/fault/attack-offline.test.ts\`, in a full segment, in the newest one, right after a rotation, and in a copy taken during appends.`;

const LIVE_HEAD = `## Live

Milliseconds from the attacker's last system call to \`proofs_ledger_tampered 1\` on /metrics, both on CLOCK_MONOTONIC: median / 99th percentile / greatest
(runs). Below zero: noticed before the attack was finished. Overwritten: the writer's next commit took the place of what was appended before anybody looked.
Nothing of it was left. Each run is a fresh sidecar on a fresh copy; attacker and observer are processes of their own. The single runs are in attacks-live.jsonl.`;
