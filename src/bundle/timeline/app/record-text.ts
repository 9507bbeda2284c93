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
    default:
      return undefined;
  }
}

function word(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '?';
}
