import { join } from 'node:path';
import { parseRedisUrl } from './redis-config.ts';
import { SETTINGS, type Setting } from './settings.ts';

/** Where the last public checkpoint is kept outside the data folder. */
export type AnchorConfig =
  /** `isChosen`: the operator asked for it. */
  | { readonly kind: 'off'; readonly isChosen: boolean; readonly reason: string }
  | { readonly kind: 'file'; readonly dir: string }
  | { readonly kind: 'redis'; readonly url: string };

const KINDS = ['file', 'redis', 'off'] as const;
/** Below the folder where the user's programs keep their state (XDG Base Directory Specification). */
const ANCHORS_BELOW_STATE = join('post-incident-proofs', 'anchors');

export function parseAnchorConfig(
  value: (setting: Setting) => string | undefined,
  env: Readonly<Record<string, string | undefined>>,
  faults: string[],
): AnchorConfig {
  const text = value(SETTINGS.anchor) ?? SETTINGS.anchor.fallback;
  const kind = KINDS.find((name) => name === text);
  if (kind === undefined) faults.push(`${SETTINGS.anchor.env}="${text}" is not one of ${KINDS.join(', ')}`);
  const dir = value(SETTINGS.anchorDir);
  if (kind === 'redis') return { kind, url: parseRedisUrl(`${SETTINGS.anchor.env}=redis`, value, faults) };
  if (kind === 'off' || dir === 'off') return { kind: 'off', isChosen: true, reason: 'switched off' };
  const state = env['XDG_STATE_HOME'] || (env['HOME'] && join(env['HOME'], '.local', 'state'));
  if (dir !== undefined) return { kind: 'file', dir };
  if (!state) return { kind: 'off', isChosen: false, reason: `no home directory for it: set ${SETTINGS.anchorDir.env}` };
  return { kind: 'file', dir: join(state, ANCHORS_BELOW_STATE) };
}

/** For the start's log line, without credentials. */
export function anchorInWords(anchor: AnchorConfig): string {
  if (anchor.kind === 'off') return `off: ${anchor.reason}`;
  return anchor.kind === 'file' ? anchor.dir : `redis at ${new URL(anchor.url).host}`;
}
