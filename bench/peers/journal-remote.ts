import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CountedBatch } from '../counted-batch.ts';
import { postBatches } from '../http-batches.ts';
import { freePort } from './free-port.ts';
import { BATCH_ENTRIES, CONNECTIONS, ENTRY_BYTES, untilListening, type Peer, type PeerRun } from './peer.ts';

const PROGRAM = '/usr/lib/systemd/systemd-journal-remote';
/** Where systemd looks for the sealing key, and nowhere else; a folder of ours is mounted over it, seen by these programs alone. */
const KEY_ROOT = '/var/log/journal';
/** The shortest that setup-keys is commonly given; the default of 15 min seals less often and measures the same. */
const SEAL_INTERVAL = '1s';
const WARM_UP_S = 3;

export const JOURNAL_REMOTE: Peer = {
  name: 'systemd-journal-remote, sealing on',
  conditions:
    'HTTP, journal export format; answered when written to the mapped file, no fsync; forward secure sealing, no Merkle tree, no signature',
  async run(seconds) {
    if (!existsSync(PROGRAM)) throw new Error('this peer needs systemd-journal-remote: apt-get install systemd-journal-remote');
    if (!existsSync('/etc/machine-id')) throw new Error('this peer needs /etc/machine-id: systemd-machine-id-setup makes one');
    const folder = mkdtempSync(join(tmpdir(), 'proofs-peer-'));
    try {
      return await measure(folder, seconds);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

async function measure(folder: string, seconds: number): Promise<PeerRun> {
  const [keys, output] = [join(folder, 'keys'), join(folder, 'journal')];
  mkdirSync(keys);
  mkdirSync(output);
  const setup = spawnSync(
    'unshare',
    withKeys(keys, `mkdir ${KEY_ROOT}/$(cat /etc/machine-id) && journalctl --setup-keys --interval=${SEAL_INTERVAL}`),
    {
      encoding: 'utf8',
    },
  );
  const verificationKey = /^[0-9a-f]{6}(?:-[0-9a-f]{6}){3}\/[0-9a-f]+-[0-9a-f]+$/m.exec(setup.stdout)?.[0];
  if (verificationKey === undefined) throw new Error(`no sealing keys (this takes root, for a mount of its own): ${setup.stderr}`);
  const port = await freePort();
  const command = `exec ${PROGRAM} --listen-http=127.0.0.1:${port} --split-mode=none --seal=yes --compress=no -o ${output}/remote.journal`;
  const child = spawn('unshare', withKeys(keys, command), { stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (log = (log + text).slice(-10_000)));
  const exited = new Promise((resolve) => child.once('close', resolve));
  let run: PeerRun;
  try {
    await untilListening(port);
    const load = { url: `http://127.0.0.1:${port}/upload`, contentType: 'application/vnd.fdo.journal', connections: CONNECTIONS, newBatch };
    const warmUp = await postBatches({ ...load, seconds: WARM_UP_S });
    run = await postBatches({ ...load, seconds });
    child.kill('SIGTERM');
    await exited;
    const written = Number(/Finishing after writing (\d+) entries/.exec(log)?.[1]);
    if (written !== warmUp.entries + run.entries) throw new Error(`${run.entries} entries were sent, ${written} written: ${log}`);
  } finally {
    child.kill('SIGKILL');
  }
  assertSealed(output, verificationKey);
  return run;
}

/** `unshare` arguments that run a shell line with `keys` in the place where systemd keeps its sealing key. */
function withKeys(keys: string, line: string): string[] {
  return ['--mount', 'sh', '-c', `mkdir -p ${KEY_ROOT} && mount --bind ${keys} ${KEY_ROOT} && ${line}`];
}

/** A figure "with sealing" counts only if systemd's own verifier finds the seals. One full file is enough: all are written alike. */
function assertSealed(output: string, verificationKey: string): void {
  const file = readdirSync(output).toSorted()[0];
  const verify = spawnSync('journalctl', ['--verify', `--verify-key=${verificationKey}`, '--file', join(output, file)], {
    encoding: 'utf8',
  });
  const isValid = verify.stderr.includes('PASS') && verify.stderr.includes('Validated from');
  // Entries carry the sender's time: one that was on its way when a tag was written is older than the tag, which its verifier refuses.
  const isOvertaken = verify.stderr.includes('is too early with respect to tag');
  if (!isValid && !isOvertaken) throw new Error(`the journal is not sealed: ${verify.stderr}`);
}

/** The fields of our event, in the journal's own form; times and boot id are what the format demands beside them. */
function newBatch(): CountedBatch {
  return new CountedBatch(
    Array.from({ length: BATCH_ENTRIES }, (_, i) => {
      const fields = `PRIORITY=6\nTENANT=team-${i % 7}\nUSER=${i}\nREQUEST_PATH=/api/v1/items\nMESSAGE=`;
      const message = `##########${'m'.repeat(ENTRY_BYTES - fields.length - 10)}`;
      return `__REALTIME_TIMESTAMP=@@@@@@@@@@@@@@@@\n__MONOTONIC_TIMESTAMP=1000000000000\n_BOOT_ID=${'0123456789abcdef'.repeat(2)}\n${fields}${message}\n\n`;
    }),
  );
}
