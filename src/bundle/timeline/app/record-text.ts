type Fields = Readonly<Record<string, unknown>>;

/** Longest payload text shown in a table row for records without a sentence of their own. */
const TEXT_CHARS_MAX = 300;

/** A ledger record in plain words. */
export function recordText(typeName: string, fields: Fields, payloadText: string): string {
  const said = sentence(typeName, fields);
  return said ?? (payloadText.length > TEXT_CHARS_MAX ? `${payloadText.slice(0, TEXT_CHARS_MAX)}…` : payloadText);
}

function sentence(typeName: string, f: Fields): string | undefined {
  switch (typeName) {
    case 'genesis':
      return `The ledger begins: ${word(f['origin'])}`;
    case 'recovery':
      return `Restart after a crash: ${word(f['action'])} ${word(f['bytes'])} bytes from entry ${word(f['firstSeq'])} on (${word(f['reason'])})`;
    case 'rejected-input':
      return `${word(f['rejected'])} lines of a request were refused (${word(f['faultsTotal'])} faults)`;
    case 'bundle':
      return `A bundle was handed out: ${word(f['from'])} to ${word(f['to'])}, ${word(f['bytes'])} bytes`;
    case 'minute-summary':
      return `Minute closed: ${word(f['leaves'])} entries, ${word(f['firstSeq'])} to ${word(f['lastSeq'])}`;
    case 'heartbeat':
      return `Heartbeat: ${word(f['reason'])}`;
    case 'epoch-seal':
      return sealText(f);
    case 'key-rotate':
      return `The keys were rotated: from epoch ${word(f['firstEpoch'])} on they descend from another root key`;
    case 'clock-step':
      return clockText(f['stepMs']);
    case 'tamper':
      return `Tampering was detected: ${word(f['kind'])} in ${word(f['file'])}${tamperPlace(f)}: ${word(f['evidence'])}`;
    case 'config':
      return configText(f);
    case 'version-change':
      return versionText(f);
    case 'witness':
      return witnessText(f);
    default:
      return undefined;
  }
}

function sealText(f: Fields): string {
  const [first, count] = [f['firstSeq'], f['count']];
  const hasEntries = typeof first === 'number' && typeof count === 'number' && count > 0;
  const entries = hasEntries ? `${count} entries, ${first} to ${first + count - 1}` : 'no entries';
  const end = f['final'] === true ? '; the sidecar stopped in good order' : '';
  return `Epoch ${word(f['epoch'])} sealed, its key wiped: ${entries}${end}`;
}

function clockText(stepMs: unknown): string {
  if (typeof stepMs !== 'number') return 'The clock was set: by ? seconds';
  return `The clock was set ${stepMs < 0 ? 'back' : 'forward'} by ${Math.abs(stepMs) / 1000} seconds`;
}

function tamperPlace(f: Fields): string {
  if (typeof f['seqFirst'] === 'number') return `, entries ${f['seqFirst']} to ${word(f['seqLast'])}`;
  return typeof f['byteFirst'] === 'number' ? `, bytes ${f['byteFirst']} to ${word(f['byteLast'])}` : '';
}

function configText(f: Fields): string | undefined {
  if (f['epochPolicy'] !== undefined) return 'From here on this ledger seals its keys';
  const pruned = f['pruned'];
  if (typeof pruned !== 'object' || pruned === null || !('from' in pruned) || !('before' in pruned)) return undefined;
  const archive = word(f['archive']);
  const where = archive === '' ? 'without an archive' : `archived in ${archive}`;
  return `Retention removed the entries from ${word(pruned.from)} up to before ${word(pruned.before)}, ${where}`;
}

const VERSION_ACTIONS: Readonly<Record<string, string>> = {
  put: 'New version',
  rollback: 'Rollback',
  revert: 'Automatic revert',
  confirm: 'Confirmation',
  hold: 'Hold',
  release: 'Release of the hold',
  'legal-hold': 'Legal hold',
  'legal-release': 'Release of the legal hold',
  pin: 'Pin',
  unpin: 'Unpin',
};
const VERSION_OUTCOMES: Readonly<Record<string, string>> = { attempted: ', attempted', refused: ', refused', failed: ', failed' };
const SHORT_HASH_CHARS = 12;

/** Who changed which artifact, from what to what, and why. */
function versionText(f: Fields): string {
  const what = VERSION_ACTIONS[word(f['action'])] ?? word(f['action']);
  const by = f['actor'] === undefined ? '' : ` by ${word(f['actor'])}`;
  const [from, to] = [versionOf(f['from']), versionOf(f['to'])];
  const way =
    from !== undefined && to !== undefined ? `: ${from} to ${to}` : from !== undefined || to !== undefined ? `: ${from ?? to}` : '';
  const restores = f['restores'] === undefined ? '' : `, with the content of version ${word(f['restores'])}`;
  const why = f['reason'] === undefined ? '' : ` (${word(f['reason'])})`;
  const refusal = f['detail'] === undefined ? '' : `: ${word(f['detail'])}`;
  return `${what} of ${word(f['name'])}${by}${VERSION_OUTCOMES[word(f['outcome'])] ?? ''}${way}${restores}${why}${refusal}`;
}

function versionOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || !('sha256' in value)) return undefined;
  const hash = word(value.sha256).slice(0, SHORT_HASH_CHARS);
  return 'version' in value ? `version ${word(value.version)} [${hash}]` : `[${hash}]`;
}

function witnessText(f: Fields): string {
  const { cosignatures } = f;
  if (!Array.isArray(cosignatures)) return `Cosigned the first ${word(f['size'])} entries of ${word(f['origin'])}`;
  return `${cosignatures.length === 1 ? 'A witness' : `${cosignatures.length} witnesses`} cosigned the first ${word(f['size'])} entries`;
}

function word(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '?';
}
