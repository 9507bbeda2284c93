import { appendFileSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startSidecar } from '../support/sidecar.ts';
import { CaseFolder } from './case-folder.ts';
import { post, type SentBatch } from './producer.ts';
import { runTraced, type RunStep } from './traced-run.ts';

export type ScenarioName = 'create' | 'append' | 'rotate' | 'recover' | 'recover-rotation' | 'seal' | 'recover-seal' | 'lock';

/** A request of so many events, or waiting until the running epoch has ended. */
export type Step = number | 'epoch end';

/** A ledger in a certain state, and what happens to the sidecar started on it. */
export interface Scenario {
  readonly name: ScenarioName;
  /** Copied for every case. */
  readonly template: CaseFolder;
  /** What the template holds, with its answers. */
  readonly stored: readonly SentBatch[];
  /** One after the other. */
  readonly steps: readonly Step[];
  /** Settings beside the folders. */
  readonly env: Readonly<Record<string, string>>;
}

/** docs/formats/ledger.md: a segment takes no further leaf at this many. */
const SEGMENT_LEAVES = 65_536;
const REQUEST_EVENTS_MAX = 10_000;
/** Leaves that fillSegment leaves free at least: fewer than a request of the scenario has. */
const SEGMENT_ROOM = 12;

export function newBatch(label: string, events: number): SentBatch {
  return { key: `key-of-${label.replaceAll(' ', '-')}`, messages: Array.from({ length: events }, (_, index) => `${label}.${index}`) };
}

/** The scenario's steps with requests of their own. */
export function newSteps({ steps }: Scenario): RunStep[] {
  return steps.map((step, index) => (typeof step === 'number' ? newBatch(`request ${index}`, step) : step));
}

/** Builds the start states below `directory` with real sidecars, in peace. */
export async function makeScenarios(directory: string): Promise<Record<ScenarioName, Scenario>> {
  const stored = [newBatch('stored', 5), newBatch('stored single', 1)];
  const empty = new CaseFolder(join(directory, 'empty'));
  const plain = new CaseFolder(join(directory, 'plain'));
  await sendAll(plain, stored);
  const full = plain.copyTo(join(directory, 'full'));
  const storedFull = [...stored, ...(await fillSegment(full))];
  const unlocked = plain.copyTo(join(directory, 'unlocked'));
  rmSync(unlocked.anchorDir, { recursive: true });
  const env = {};
  return {
    create: { name: 'create', template: empty, stored: [], steps: [2], env },
    append: { name: 'append', template: plain, stored, steps: [4, 1], env },
    rotate: { name: 'rotate', template: full, stored: storedFull, steps: [20, 1], env },
    recover: { name: 'recover', ...(await makeTornTail(directory, plain, stored)), steps: [3], env },
    'recover-rotation': { name: 'recover-rotation', ...(await makeTornRotation(directory, full, storedFull)), steps: [3], env },
    seal: { name: 'seal', template: plain, stored, steps: [2, 'epoch end', 1], env },
    'recover-seal': { name: 'recover-seal', ...(await makeUnfinishedSeal(directory, plain, stored)), steps: [1], env },
    lock: { name: 'lock', template: unlocked, stored, steps: [1, 1], env },
  };
}

async function sendAll(folder: CaseFolder, batches: readonly SentBatch[]): Promise<void> {
  await using sidecar = await startSidecar({ dataDir: folder.dataDir, env: folder.env() });
  for (const batch of batches) {
    const { status } = await post(sidecar.url, batch);
    if (status !== 201) throw new Error(`preparing: "${batch.messages[0]}" was answered ${status}`);
  }
  sidecar.kill('SIGTERM');
  if ((await sidecar.exited) !== 0) throw new Error(`preparing: the sidecar did not stop in peace: ${sidecar.stderr()}`);
}

/** Events until few leaves are left in the first segment: the next request goes over its end. Seals and minute summaries take some. */
async function fillSegment(folder: CaseFolder): Promise<SentBatch[]> {
  const filling: SentBatch[] = [];
  for (
    let leaves = folder.watermark().size;
    leaves < SEGMENT_LEAVES - SEGMENT_ROOM;
    leaves += filling[filling.length - 1].messages.length
  ) {
    filling.push(newBatch(`f${filling.length}`, Math.min(REQUEST_EVENTS_MAX, SEGMENT_LEAVES - SEGMENT_ROOM - leaves)));
  }
  await sendAll(folder, filling);
  return filling;
}

type Made = Pick<Scenario, 'template' | 'stored'>;

/** Everything a start can find at once: an acknowledged request above a stale watermark, a bad slot, no checkpoint, a torn entry. */
async function makeTornTail(directory: string, plain: CaseFolder, stored: readonly SentBatch[]): Promise<Made> {
  const template = plain.copyTo(join(directory, 'torn'));
  const above = newBatch('above the watermark', 6);
  const watermark = join(template.dataDir, 'ledger', 'watermark');
  let stale = readFileSync(watermark);
  await sendAndKill(template, above, () => (stale = readFileSync(watermark)));
  stale.fill(0xff, 4096, 4100);
  writeFileSync(watermark, stale);
  rmSync(join(template.dataDir, 'ledger', 'checkpoint'));
  appendFileSync(activeSegment(template), Buffer.concat([Buffer.from([0x01, 0x00, 0x01, 0x02]), Buffer.alloc(57)]));
  return { template, stored: [...stored, above] };
}

/** Killed while a request went over the end of a segment: its last entry is torn, so both files have to be cut. Nobody was told of it. */
async function makeTornRotation(directory: string, full: CaseFolder, stored: readonly SentBatch[]): Promise<Made> {
  const template = full.copyTo(join(directory, 'torn-rotation'));
  const before = new Map<string, Buffer>();
  await sendAndKill(template, newBatch('torn over the edge', 40), () => {
    const anchors = readdirSync(template.anchorDir).map((name) => join(template.anchorDir, name));
    const files = [...['watermark', 'checkpoint'].map((name) => join(template.dataDir, 'ledger', name)), ...anchors];
    for (const file of files) before.set(file, readFileSync(file));
  });
  for (const [file, content] of before) writeFileSync(file, content);
  const segment = activeSegment(template);
  truncateSync(segment, statSync(segment).size - 10);
  return { template, stored };
}

/** Killed at the end of an epoch, between its seal and the next epoch's key: the key on the disk is one epoch behind. */
async function makeUnfinishedSeal(directory: string, plain: CaseFolder, stored: readonly SentBatch[]): Promise<Made> {
  const template = plain.copyTo(join(directory, 'unfinished-seal'));
  const sealed = newBatch('sealed', 2);
  const inject = ['-P', join(template.dataDir, 'keys', 'epoch.key.tmp'), '-e', 'inject=rename:signal=SIGKILL:when=1'];
  const { exitCode, stderr } = await runTraced(template, { steps: [sealed, 'epoch end'], env: {}, inject, isKilling: true });
  if (exitCode !== 137) throw new Error(`preparing: no kill at the end of an epoch: ${exitCode} ${stderr}`);
  return { template, stored: [...stored, sealed] };
}

/** One more request, acknowledged, and a kill before the epoch ends. `before` is called right before the request. */
async function sendAndKill(folder: CaseFolder, batch: SentBatch, before: () => void): Promise<void> {
  await using sidecar = await startSidecar({ dataDir: folder.dataDir, env: folder.env() });
  const { epoch } = folder.watermark();
  before();
  const { status } = await post(sidecar.url, batch);
  sidecar.kill('SIGKILL');
  await sidecar.exited;
  if (status !== 201) throw new Error(`preparing: "${batch.messages[0]}" was answered ${status}`);
  if (folder.watermark().epoch !== epoch) throw new Error('preparing: the kill came after the end of the epoch; the machine is too busy');
}

function activeSegment(folder: CaseFolder): string {
  const directory = join(folder.dataDir, 'ledger', 'segments');
  return join(directory, readdirSync(directory).toSorted().at(-1) ?? '');
}
