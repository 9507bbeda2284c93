/**
 * `node bench/peers.ts [--seconds 20] [--rounds 3]`: our sidecar, systemd-journal-remote and rsyslog in turn on this machine, as ratios.
 * Needs root (for a mount of its own) and `apt-get install systemd-journal-remote rsyslog`.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { calibrate } from './measure.ts';
import { JOURNAL_REMOTE } from './peers/journal-remote.ts';
import { OWN_SIDECAR } from './peers/own-sidecar.ts';
import { RSYSLOG_PLAIN, RSYSLOG_SYNC } from './peers/rsyslog.ts';

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '20' }, rounds: { type: 'string', default: '3' } } });
const [seconds, rounds] = [Number(values.seconds), Number(values.rounds)];
if (!Number.isInteger(seconds) || seconds < 1 || seconds > 600)
  throw new Error(`--seconds "${values.seconds}" is not a number from 1 to 600`);
if (!Number.isInteger(rounds) || rounds < 1 || rounds > 20) throw new Error(`--rounds "${values.rounds}" is not a number from 1 to 20`);

const PEERS = [OWN_SIDECAR, JOURNAL_REMOTE, RSYSLOG_SYNC, RSYSLOG_PLAIN];

const calibration = calibrate();
console.log('calibration', calibration);
const rates = new Map<string, number[]>(PEERS.map(({ name }) => [name, []]));
// In turn, so that whatever else the machine does meets all of them alike.
for (let round = 1; round <= rounds; round++) {
  for (const peer of PEERS) {
    const { entriesPerS } = await peer.run(seconds);
    rates.get(peer.name)?.push(entriesPerS);
    console.log(`round ${round}: ${peer.name}: ${entriesPerS.toLocaleString('en')} entries/s`);
  }
}
const median = (sorted: readonly number[]): number => sorted[Math.floor(sorted.length / 2)];
const medianOf = (name: string): number => median((rates.get(name) ?? []).toSorted((a, b) => a - b));
const figures = PEERS.map(({ name, conditions }) => ({
  name,
  entriesPerS: medianOf(name),
  rounds: rates.get(name),
  oursToTheirs: Number((medianOf(OWN_SIDECAR.name) / medianOf(name)).toFixed(2)),
  conditions,
}));
console.table(figures, ['name', 'entriesPerS', 'oursToTheirs']);
mkdirSync('bench/results', { recursive: true });
writeFileSync(
  'bench/results/peers.json',
  `${JSON.stringify({ at: new Date().toISOString(), seconds, calibration, figures }, undefined, 2)}\n`,
);
