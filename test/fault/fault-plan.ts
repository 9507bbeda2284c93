import type { Fault } from './fault-case.ts';
import type { FaultSite, Phase } from './fault-sites.ts';
import type { ScenarioName } from './scenarios.ts';

/** What of each scenario differs from the others: everything else they cover. */
const OWN_PHASES: Readonly<Record<ScenarioName, readonly Phase[]>> = {
  create: ['create'],
  append: ['start', 'commit', 'stop'],
  rotate: ['commit'],
  recover: ['start'],
  'recover-rotation': ['start'],
  seal: ['seal'],
  'recover-seal': ['start'],
  lock: ['start', 'commit', 'stop'],
  'rotate-keys': ['rotation'],
  prune: ['pruning'],
};

/** Files that these scenarios are about; the others are written as in all scenarios. */
const OWN_FILES: Partial<Record<ScenarioName, RegExp>> = { lock: /^anchors/, prune: /pruned|index|segments/ };

const NEEDS_SPACE: readonly string[] = ['pwrite64', 'write', 'openat', 'mkdir', 'rename', 'link', 'fsync', 'fdatasync'];

/** Every fault that can befall a call; none where another scenario has the same call in the same place. */
export function faultsFor(site: FaultSite): readonly Fault[] {
  const { scenario, phase, call, file } = site;
  if (!OWN_PHASES[scenario.name].includes(phase)) return [];
  if (OWN_FILES[scenario.name]?.test(file) === false) return [];
  // A first start whose watermark never reached the disk is a lost state, which is refused on purpose.
  const isLostSlot = call === 'pwrite64' && phase !== 'create' && file.endsWith('/watermark');
  const isLostRename = call === 'rename' && file.endsWith('checkpoint.tmp');
  return [
    'KILL',
    'EIO',
    ...(NEEDS_SPACE.includes(call) ? (['ENOSPC'] as const) : []),
    ...(isLostSlot || isLostRename ? (['LOST'] as const) : []),
  ];
}
