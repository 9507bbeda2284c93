import { Dice } from '../../test/support/dice.ts';

const MIB = 2 ** 20;
/** Of all that is made up here: every run measures the same bytes. */
const SEED = 20_261_123;

export interface BenchPair {
  readonly old: Uint8Array;
  readonly next: Uint8Array;
}

export interface BenchClass {
  readonly name: string;
  readonly what: string;
  pair(): BenchPair;
}

/** Kinds of change whose like decides how large the patches of a ledger of versions are. */
export const CLASSES: readonly BenchClass[] = [
  { name: 'sparse edits', what: '16 MiB of random bytes, 200 places of 1 to 64 bytes overwritten', pair: sparseEdits },
  { name: 'inserts', what: '16 MiB of random bytes, 200 inserts of 1 to 4 KiB', pair: inserts },
  { name: 'float nudges', what: '64 MiB of float32, every value changed by up to 1 in 4,000', pair: () => floatNudges(64 * MIB) },
  { name: 'JSON config', what: '200 KiB of pretty-printed settings, 40 edits', pair: configEdits },
];

function randomBytes(dice: Dice, length: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(length / 4));
  for (let i = 0; i < words.length; i++) words[i] = dice.below(2 ** 32);
  return new Uint8Array(words.buffer, 0, length);
}

function sparseEdits(): BenchPair {
  const dice = new Dice(SEED, 0);
  const old = randomBytes(dice, 16 * MIB);
  const next = old.slice();
  for (let i = 0; i < 200; i++) next.set(randomBytes(dice, 1 + dice.below(64)), dice.below(old.length - 64));
  return { old, next };
}

function inserts(): BenchPair {
  const dice = new Dice(SEED, 1);
  const old = randomBytes(dice, 16 * MIB);
  const places = Array.from({ length: 200 }, () => dice.below(old.length)).toSorted((a, b) => a - b);
  const parts = places.flatMap((place, i) => [old.subarray(places[i - 1] ?? 0, place), randomBytes(dice, 1024 + dice.below(3072))]);
  return { old, next: Buffer.concat([...parts, old.subarray(places[places.length - 1])]) };
}

/** Weights of a model, and the same after a step of its training: normally distributed, each changed by a little of itself. */
function floatNudges(bytes: number): BenchPair {
  const dice = new Dice(SEED, 2);
  const old = new Float32Array(bytes / 4);
  const next = new Float32Array(bytes / 4);
  const uniform = (): number => (dice.below(2 ** 32) + 1) / 2 ** 32;
  for (let i = 0; i < old.length; i++) {
    old[i] = 0.02 * Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
    next[i] = old[i] * (1 + (uniform() - 0.5) / 2000);
  }
  return { old: new Uint8Array(old.buffer), next: new Uint8Array(next.buffer) };
}

type Settings = Record<string, Record<string, unknown>>;

function configEdits(): BenchPair {
  const dice = new Dice(SEED, 3);
  const settings: Settings = {};
  while (JSON.stringify(settings, undefined, 2).length < 200 * 1024) for (let i = 0; i < 50; i++) settings[name(dice)] = service(dice);
  const old = toFile(settings);
  const names = Object.keys(settings);
  for (let i = 0; i < 40; i++) edit(dice, settings, names[dice.below(names.length)]);
  return { old, next: toFile(settings) };
}

const toFile = (settings: Settings): Uint8Array => Buffer.from(`${JSON.stringify(settings, undefined, 2)}\n`);

const WORDS = [
  'api',
  'auth',
  'billing',
  'cache',
  'edge',
  'feed',
  'gate',
  'index',
  'mail',
  'node',
  'queue',
  'search',
  'store',
  'task',
  'user',
  'web',
];

const name = (dice: Dice): string => `${dice.pick(WORDS)}-${dice.pick(WORDS)}-${dice.below(1000)}`;

const digest = (dice: Dice): string => Buffer.from(randomBytes(dice, 32)).toString('base64');

function service(dice: Dice): Record<string, unknown> {
  return {
    image: `internal/${name(dice)}:${dice.below(9)}.${dice.below(30)}.${dice.below(30)}`,
    digest: `sha256-${digest(dice)}`,
    replicas: 1 + dice.below(12),
    limits: { cpu: `${100 * (1 + dice.below(20))}m`, memory: `${64 * (1 + dice.below(32))}Mi` },
    timeoutMs: 50 * dice.below(200),
    features: { tracing: dice.once(2), retries: dice.below(6), canary: dice.once(4) },
    hosts: Array.from({ length: 1 + dice.below(3) }, () => `${name(dice)}.example`),
  };
}

/** What people change in such files: a number, a release with its digest, a flag, a host; more rarely a whole entry comes or goes. */
function edit(dice: Dice, settings: Settings, key: string): void {
  const kind = dice.below(10);
  const entry = settings[key];
  if (entry === undefined || kind === 0) settings[name(dice)] = service(dice);
  else if (kind === 1) delete settings[key];
  else if (kind <= 3) entry['timeoutMs'] = 50 * dice.below(200);
  else if (kind <= 5) Object.assign(entry, { replicas: 1 + dice.below(12), limits: (service(dice) as { limits: unknown }).limits });
  else if (kind <= 7) Object.assign(entry, { image: service(dice)['image'], digest: `sha256-${digest(dice)}` });
  else if (kind === 8) entry['features'] = service(dice)['features'];
  else entry['hosts'] = service(dice)['hosts'];
}
