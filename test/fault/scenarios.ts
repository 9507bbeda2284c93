import { appendFileSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startSidecar } from '../support/sidecar.ts';
import { CaseFolder } from './case-folder.ts';
import { makePrunableLedger } from './prunable-ledger.ts';
import { newBatch, post, type SentBatch } from './producer.ts';
import { runTraced, type RunStep } from './traced-run.ts';

export const SCENARIO_NAMES = [
  'create',
  'append',
  'rotate',
  'recover',
  'recover-rotation',
  'seal',
  'recover-seal',
  'lock',
  'rotate-keys',
  'prune',
] as const;
export type ScenarioName = (typeof SCENARIO_NAMES)[number];

/** A request of so many events, or waiting until the running epoch has ended, or until retention has removed what it should. */
export type Step = number | 'epoch end' | 'removal';

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

/** The scenario's steps with requests of their own. */
export function newSteps({ steps }: Scenario): RunStep[] {
  return steps.map((step, index) => (typeof step === 'number' ? newBatch(`request ${index}`, step) : step));
}

/** Builds the start states of the named scenarios (all, unless told) below `directory` with real sidecars, in peace. */
export async function makeScenarios(directory: string, names: readonly ScenarioName[] = SCENARIO_NAMES): Promise<Scenario[]> {
  const scenarios: Scenario[] = [];
  const bases = new Bases(directory);
  for (const name of names) scenarios.push({ name, ...STEPS[name], ...(await makeState(name, bases)) });
  return scenarios;
}

/** What happens to the sidecar that is started on the state; with `rotate-keys` after the rotation, which is a program of its own. */
const STEPS: Readonly<Record<ScenarioName, Pick<Scenario, 'steps' | 'env'>>> = {
  create: { steps: [2], env: {} },
  append: { steps: [4, 1], env: {} },
  rotate: { steps: [20, 1], env: {} },
  recover: { steps: [3], env: {} },
  'recover-rotation': { steps: [3], env: {} },
  seal: { steps: [2, 'epoch end', 1], env: {} },
  'recover-seal': { steps: [1], env: {} },
  lock: { steps: [1, 1], env: {} },
  'rotate-keys': { steps: [2], env: {} },
  prune: { steps: [1, 'removal'], env: { PROOFS_RETAIN: '1d' } },
};

type State = Pick<Scenario, 'template' | 'stored'>;

async function makeState(name: ScenarioName, bases: Bases): Promise<State> {
  if (name === 'create') return { template: new CaseFolder(join(bases.directory, 'empty')), stored: [] };
  if (name === 'rotate') return bases.full();
  if (name === 'recover') return makeTornTail(bases.directory, await bases.plain());
  if (name === 'recover-rotation') return makeTornRotation(bases.directory, await bases.full());
  if (name === 'recover-seal') return makeUnfinishedSeal(bases.directory, await bases.plain());
  if (name === 'lock') return makeUnlocked(bases.directory, await bases.plain());
  if (name === 'prune') return makePrunable(bases.directory);
  return bases.plain();
}

/** States that several scenarios begin with, made once. */
class Bases {
  readonly directory: string;
  #plain: State | undefined;
  #full: State | undefined;

  constructor(directory: string) {
    this.directory = directory;
  }

  /** A few entries, stopped in peace. */
  async plain(): Promise<State> {
    if (this.#plain !== undefined) return this.#plain;
    const template = new CaseFolder(join(this.directory, 'plain'));
    const stored = [newBatch('stored', 5), newBatch('stored single', 1)];
    await sendAll(template, stored);
    return (this.#plain = { template, stored });
  }

  /** The same with a first segment that is nearly full. */
  async full(): Promise<State> {
    if (this.#full !== undefined) return this.#full;
    const plain = await this.plain();
    const template = plain.template.copyTo(join(this.directory, 'full'));
    return (this.#full = { template, stored: [...plain.stored, ...(await fillSegment(template))] });
  }
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

/** Everything a start can find at once: an acknowledged request above a stale watermark, a bad slot, no checkpoint, a torn entry. */
async function makeTornTail(directory: string, { template: plain, stored }: State): Promise<State> {
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
async function makeTornRotation(directory: string, { template: full, stored }: State): Promise<State> {
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
async function makeUnfinishedSeal(directory: string, { template: plain, stored }: State): Promise<State> {
  const template = plain.copyTo(join(directory, 'unfinished-seal'));
  const sealed = newBatch('sealed', 2);
  const inject = ['-P', join(template.dataDir, 'keys', 'epoch.key.tmp'), '-e', 'inject=rename:signal=SIGKILL:when=1'];
  const { exitCode, stderr } = await runTraced(template, { steps: [sealed, 'epoch end'], env: {}, inject, isKilling: true });
  if (exitCode !== 137) throw new Error(`preparing: no kill at the end of an epoch: ${exitCode} ${stderr}`);
  return { template, stored: [...stored, sealed] };
}

/** Never locked, as after the lock's folder was lost or moved. */
function makeUnlocked(directory: string, { template: plain, stored }: State): State {
  const template = plain.copyTo(join(directory, 'unlocked'));
  rmSync(template.anchorDir, { recursive: true });
  return { template, stored };
}

/** Old enough for retention; the run that makes its index files and its lock keeps everything. */
async function makePrunable(directory: string): Promise<State> {
  const template = new CaseFolder(join(directory, 'prunable'));
  const stored = makePrunableLedger(template);
  await sendAll(template, []);
  return { template, stored };
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
