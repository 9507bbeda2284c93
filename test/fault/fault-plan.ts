import type { Fault, FaultSite } from './fault-case.ts';

/** Every fault that can befall a call; phases that other scenarios cover are left to them. */
export function faultsFor(site: FaultSite): readonly Fault[] {
  const { scenario, phase, call, file } = site;
  const isCovered = scenario.name === 'create' ? phase !== 'create' : phase === 'create';
  // A ledger that is recovered, or that goes over the end of a segment, differs from a plain one in that phase alone.
  const isOwn = scenario.name === 'rotate' ? phase === 'commit' : !scenario.name.startsWith('recover') || phase === 'start';
  if (isCovered || !isOwn) return [];
  const needsSpace = ['pwrite64', 'openat', 'mkdir', 'rename', 'fsync', 'fdatasync'].includes(call);
  // A first start whose watermark never reached the disk is a lost state, which is refused on purpose.
  const canBeLost =
    (call === 'pwrite64' && phase !== 'create' && file.endsWith('/watermark')) || (call === 'rename' && file.endsWith('/checkpoint.tmp'));
  return ['KILL', 'EIO', ...(needsSpace ? (['ENOSPC'] as const) : []), ...(canBeLost ? (['LOST'] as const) : [])];
}
