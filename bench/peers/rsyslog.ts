import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { CountedBatch } from '../counted-batch.ts';
import { freePort } from './free-port.ts';
import { BATCH_ENTRIES, CONNECTIONS, ENTRY_BYTES, untilListening, type Peer, type PeerRun } from './peer.ts';

const POLL_MS = 5;
/** After the last byte was sent: a file that does not grow for so long will not. */
const STALLED_MS_MAX = 10_000;

/** `sync="on"`: one fdatasync and one fsync for each batch of its queue. */
export const RSYSLOG_SYNC = rsyslog(
  'rsyslog, synced',
  'on',
  'TCP, nobody is told what was stored; fsync once a batch; no hash, no signature',
);
export const RSYSLOG_PLAIN = rsyslog(
  'rsyslog, not synced',
  'off',
  'TCP, nobody is told what was stored; left to the page cache; no hash, no signature',
);

function rsyslog(name: string, sync: 'on' | 'off', conditions: string): Peer {
  return {
    name,
    conditions,
    async run(seconds) {
      if (spawnSync('rsyslogd', ['-v']).status !== 0) throw new Error('this peer needs rsyslog: apt-get install rsyslog');
      const folder = mkdtempSync(join(tmpdir(), 'proofs-peer-'));
      try {
        return await measure(folder, sync, seconds);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  };
}

/** Batches as large as ours, a queue that never spills, one copy of the message as it came: nothing that would slow it down. */
function configuration(folder: string, port: number, sync: 'on' | 'off'): string {
  return `global(workDirectory="${folder}")
main_queue(queue.type="FixedArray" queue.size="100000" queue.dequeueBatchSize="${BATCH_ENTRIES}" queue.workerThreads="1")
module(load="imptcp" threads="1")
input(type="imptcp" address="127.0.0.1" port="${port}")
template(name="raw" type="string" string="%rawmsg%\\n")
action(type="omfile" file="${folder}/messages" template="raw" sync="${sync}" asyncWriting="off" flushOnTXEnd="on" ioBufferSize="256k")
`;
}

async function measure(folder: string, sync: 'on' | 'off', seconds: number): Promise<PeerRun> {
  const port = await freePort();
  const file = join(folder, 'rsyslog.conf');
  writeFileSync(file, configuration(folder, port, sync));
  const child = spawn('rsyslogd', ['-n', '-f', file, '-i', join(folder, 'pid')], { stdio: ['ignore', 'ignore', 'inherit'] });
  const exited = new Promise((resolve) => child.once('close', resolve));
  try {
    await untilListening(port);
    const startMs = performance.now();
    const { entries, bytes } = await send(port, seconds);
    await untilStored(join(folder, 'messages'), bytes);
    return { entries, entriesPerS: Math.round((entries * 1000) / (performance.now() - startMs)) };
  } finally {
    child.kill('SIGTERM');
    await exited;
  }
}

/** As fast as the connections take it: TCP's own pushing back is all the pacing there is. */
async function send(port: number, seconds: number): Promise<{ entries: number; bytes: number }> {
  const startMs = performance.now();
  const sent = { entries: 0, bytes: 0 };
  const client = async (): Promise<void> => {
    const batch = newBatch();
    const socket = connect({ host: '127.0.0.1', port });
    await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    while (performance.now() - startMs < seconds * 1000) {
      batch.renew(sent.entries);
      sent.entries += batch.entries;
      sent.bytes += batch.bytes.length;
      await new Promise<void>((resolve, reject) =>
        socket.write(batch.bytes, (error) => (error instanceof Error ? reject(error) : resolve())),
      );
    }
    socket.end();
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, client));
  return sent;
}

async function untilStored(file: string, bytes: number): Promise<void> {
  let seen = 0;
  let grownMs = performance.now();
  while (seen < bytes) {
    const { size } = statSync(file);
    if (size > seen) grownMs = performance.now();
    if (performance.now() - grownMs > STALLED_MS_MAX) throw new Error(`rsyslog stored ${size} of ${bytes} bytes`);
    seen = size;
    await setTimeout(POLL_MS);
  }
}

function newBatch(): CountedBatch {
  const header = '<14>1 2026-01-01T00:00:00.000000Z host app - - - ##########';
  return new CountedBatch(Array.from({ length: BATCH_ENTRIES }, () => `${header}${'m'.repeat(ENTRY_BYTES - header.length)}\n`));
}
