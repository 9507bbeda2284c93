import { LEVELS } from '../kernel/levels.ts';
import { utf8 } from '../kernel/bytes.ts';
import { CanonicalScan } from './canonical-scan.ts';

type Kind = 'text' | 'level' | 'tenant' | 'object' | 'time';

/** Fields of an event payload in canonical order, with what each may hold (docs/formats/ledger.md, Payloads). */
const FIELDS: readonly { readonly key: Uint8Array; readonly kind: Kind }[] = (
  [
    ['actor', 'text'],
    ['attributes', 'object'],
    ['level', 'level'],
    ['message', 'text'],
    ['source', 'text'],
    ['spanId', 'text'],
    ['tenant', 'tenant'],
    ['time', 'time'],
    ['traceId', 'text'],
  ] as const
).map(([name, kind]) => ({ key: utf8(`"${name}"`), kind }));
const MESSAGE = FIELDS.findIndex(({ key }) => key.length === 9 && key[1] === 0x6d);

/** Code 0 is `none`, which no stored event says. */
const LEVEL_TEXTS = LEVELS.map((level) => utf8(`"${level}"`));

/** Checks an event payload and picks out what minute summaries count. */
export class EventScan extends CanonicalScan {
  /** Index into LEVELS of the event last scanned. */
  levelCode = 0;
  /** Where its tenant stands, quotes included; both 0 when it names none. Canonical, so one spelling per tenant. */
  tenantFrom = 0;
  tenantEnd = 0;

  /** The tenant as the payload spells it (latin1); '' when there is none. */
  get tenantText(): string {
    return Buffer.from(this.bytes.buffer, this.bytes.byteOffset + this.tenantFrom, this.tenantEnd - this.tenantFrom).toString('latin1');
  }

  isEvent(bytes: Buffer, from: number, end: number): boolean {
    this.begin(bytes, end);
    this.levelCode = 0;
    this.tenantFrom = 0;
    this.tenantEnd = 0;
    if (from >= end || bytes[from] !== 0x7b) return this.reject('no JSON object', from);
    let next = 0;
    let hasMessage = false;
    for (let i = from + 1; ; i++) {
      const keyEnd = this.string(i);
      if (keyEnd < 0) return false;
      while (next < FIELDS.length && !matches(bytes, i, keyEnd, FIELDS[next].key)) next++;
      if (next === FIELDS.length) return this.reject('a field that events do not have, out of order or twice', i);
      if (next === MESSAGE) hasMessage = true;
      i = this.#field(bytes, keyEnd, FIELDS[next++].kind);
      if (i < 0) return false;
      if (i >= end) return this.reject('an unfinished object', i);
      if (bytes[i] === 0x7d) return (hasMessage || this.reject('no message', i)) && this.finish(from, i + 1);
      if (bytes[i] !== 0x2c) return this.reject('neither "," nor "}"', i);
    }
  }

  #field(bytes: Buffer, at: number, kind: Kind): number {
    const from = at + 1;
    const end = this.member(at, 1);
    if (end < 0) return -1;
    const first = bytes[from];
    const isText = first === 0x22;
    if (kind === 'object') return first === 0x7b ? end : this.fail('attributes are no object', from);
    if (kind === 'time') return isText || first === 0x2d || (first >= 0x30 && first <= 0x39) ? end : this.fail('no time', from);
    if (!isText) return this.fail('no text', from);
    if (kind === 'tenant') {
      this.tenantFrom = from;
      this.tenantEnd = end;
    }
    if (kind === 'level') {
      this.levelCode = LEVEL_TEXTS.findIndex((text) => matches(bytes, from, end, text));
      if (this.levelCode <= 0) return this.fail('no level', from);
    }
    return end;
  }
}

function matches(bytes: Uint8Array, from: number, end: number, text: Uint8Array): boolean {
  if (end - from !== text.length) return false;
  for (let i = 0; i < text.length; i++) if (bytes[from + i] !== text[i]) return false;
  return true;
}
