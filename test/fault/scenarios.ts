import { appendFileSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startSidecar } from '../support/sidecar.ts';
import { post, type SentBatch } from './producer.ts';

export type ScenarioName = 'create' | 'append' | 'rotate' | 'recover' | 'recover-rotation';

/** A data folder in a certain state, and the requests that are sent to the sidecar started on it. */
export interface Scenario {
  readonly name: ScenarioName;
  /** Copied for every case. */
  readonly template: string;
  /** What the template holds, with its answers. */
  readonly stored: readonly SentBatch[];
  /** Event counts of the requests to send, one after the other. */
  readonly requests: readonly number[];
}

/** docs/formats/ledger.md: a segment takes no further leaf at this many. */
const SEGMENT_LEAVES = 65_536;
const REQUEST_EVENTS_MAX = 10_000;

export function newBatch(label: string, events: number): SentBatch {
  return { key: `key-of-${label.replaceAll(' ', '-')}`, messages: Array.from({ length: events }, (_, index) => `${label}.${index}`) };
}

/** Builds the start states below `directory` with real sidecars, in peace. */
export async function makeScenarios(directory: string): Promise<Record<ScenarioName, Scenario>> {
  const small = [newBatch('stored', 5), newBatch('stored single', 1)];
  const empty = join(directory, 'empty');
  mkdirSync(empty);
  const plain = join(directory, 'plain');
  mkdirSync(plain);
  await sendAll(plain, small);
  const full = join(directory, 'full');
  cpSync(plain, full, { recursive: true });
  const filling = await fillSegment(full);
  return {
    create: { name: 'create', template: empty, stored: [], requests: [2] },
    append: { name: 'append', template: plain, stored: small, requests: [4, 1] },
    rotate: { name: 'rotate', template: full, stored: [...small, ...filling], requests: [20, 1] },
    recover: { name: 'recover', ...(await makeTornTail(directory, plain, small)), requests: [3] },
    'recover-rotation': { name: 'recover-rotation', ...(await makeTornRotation(directory, full, [...small, ...filling])), requests: [3] },
  };
}

async function sendAll(dataDir: string, batches: readonly SentBatch[]): Promise<void> {
  await using sidecar = await startSidecar({ dataDir });
  for (const batch of batches) {
    const { status } = await post(sidecar.url, batch);
    if (status !== 201) throw new Error(`preparing: "${batch.messages[0]}" was answered ${status}`);
  }
  sidecar.kill('SIGTERM');
  if ((await sidecar.exited) !== 0) throw new Error(`preparing: the sidecar did not stop in peace: ${sidecar.stderr()}`);
}

/** Events until a few leaves are left in the first segment: the next request goes over its end. Minute summaries may take some. */
async function fillSegment(dataDir: string): Promise<SentBatch[]> {
  const filling: SentBatch[] = [];
  for (let leaves = 7; leaves < SEGMENT_LEAVES - 12; leaves += filling[filling.length - 1].messages.length) {
    filling.push(newBatch(`f${filling.length}`, Math.min(REQUEST_EVENTS_MAX, SEGMENT_LEAVES - 12 - leaves)));
  }
  await sendAll(dataDir, filling);
  return filling;
}

/** Everything a start can find at once: an acknowledged request above a stale watermark, a bad slot, no checkpoint, a torn entry. */
async function makeTornTail(
  directory: string,
  plain: string,
  stored: readonly SentBatch[],
): Promise<Pick<Scenario, 'template' | 'stored'>> {
  const template = join(directory, 'torn');
  cpSync(plain, template, { recursive: true });
  const watermark = join(template, 'ledger', 'watermark');
  const stale = readFileSync(watermark);
  const above = newBatch('above the watermark', 6);
  await sendAll(template, [above]);
  stale.fill(0xff, 4096, 4100);
  writeFileSync(watermark, stale);
  rmSync(join(template, 'ledger', 'checkpoint'));
  appendFileSync(activeSegment(template), Buffer.concat([Buffer.from([0x01, 0x00, 0x01, 0x02]), Buffer.alloc(57)]));
  return { template, stored: [...stored, above] };
}

/** Killed while a request went over the end of a segment: its last entry is torn, so both files have to be cut. */
async function makeTornRotation(
  directory: string,
  full: string,
  stored: readonly SentBatch[],
): Promise<Pick<Scenario, 'template' | 'stored'>> {
  const template = join(directory, 'torn-rotation');
  cpSync(full, template, { recursive: true });
  const files = ['watermark', 'checkpoint'].map((name) => join(template, 'ledger', name));
  const before = files.map((file) => readFileSync(file));
  await sendAll(template, [newBatch('torn over the edge', 40)]);
  for (const [index, file] of files.entries()) writeFileSync(file, before[index]);
  const segment = activeSegment(template);
  truncateSync(segment, statSync(segment).size - 10);
  return { template, stored };
}

function activeSegment(dataDir: string): string {
  const directory = join(dataDir, 'ledger', 'segments');
  return join(directory, readdirSync(directory).toSorted().at(-1) ?? '');
}
