import { toSigned, toUnsigned, WasmReader } from './wasm-reader.ts';

/**
 * lean.wasm exports 201,110 symbols; V8 in Node 20 and 22 refuses more than 100,000, and each one costs time in every thread. So function
 * exports become slots of the function table, found by name in a sorted file. Only the sections of tables, exports and elements are
 * written anew; the code is copied byte for byte.
 */
export interface CompactWasm {
  readonly wasm: Buffer;
  /** Every function that was exported, with its slot in the table. */
  readonly symbols: readonly (readonly [name: string, slot: number])[];
  /** Slots of the functions that the module itself imports by address (`GOT.func`). */
  readonly addressed: Readonly<Record<string, number>>;
}

interface Section {
  readonly id: number;
  readonly start: number;
  readonly end: number;
}

/** Section ids and the kinds of what is imported or exported (core specification 1.0, 5.5.2 and 5.5.5). */
const SECTION = { import: 2, table: 4, export: 7, element: 9 } as const;
const KIND = { function: 0, table: 1, memory: 2, global: 3, tag: 4 } as const;
const FUNCREF = 0x70;
const I32_CONST = 0x41;
const END = 0x0b;

/** `keep`: names of functions that the glue code asks for as exports. */
export function compactWasm(module: Buffer, keep: ReadonlySet<string>): CompactWasm {
  const sections = listSections(module);
  const reader = (id: number): WasmReader => new WasmReader(module, sectionOf(sections, id).start);
  const addressedNames = readAddressed(reader(SECTION.import));
  const slotsBefore = readTable(reader(SECTION.table));
  const elements = readElements(reader(SECTION.element));
  const exports = readExports(reader(SECTION.export), keep, elements.slotOf, slotsBefore);
  const section = (id: number, body: Buffer): Buffer => Buffer.concat([Buffer.from([id]), toUnsigned(body.length), body]);
  const slots = slotsBefore + exports.added.length;
  const parts = [module.subarray(0, 8)];
  for (const { id, start, end } of sections) {
    if (id === SECTION.table) parts.push(section(id, Buffer.concat([toUnsigned(1), Buffer.from([FUNCREF, 0]), toUnsigned(slots)])));
    else if (id === SECTION.export) parts.push(section(id, Buffer.concat([toUnsigned(exports.kept.length), ...exports.kept])));
    else if (id === SECTION.element) {
      const added = [Buffer.from([0, I32_CONST]), toSigned(slotsBefore), Buffer.from([END]), toUnsigned(exports.added.length)];
      const before = module.subarray(elements.bodyAt, end);
      parts.push(section(id, Buffer.concat([toUnsigned(elements.segments + 1), before, ...added, ...exports.added.map(toUnsigned)])));
    } else parts.push(section(id, module.subarray(start, end)));
  }
  const slotByName = new Map(exports.symbols);
  const addressed = addressedNames.flatMap((name) => {
    const slot = slotByName.get(name);
    return slot === undefined ? [] : [[name, slot] as const];
  });
  return { wasm: Buffer.concat(parts), symbols: exports.symbols, addressed: Object.fromEntries(addressed) };
}

function listSections(module: Buffer): readonly Section[] {
  const reader = new WasmReader(module, 8);
  const sections: Section[] = [];
  while (reader.at < module.length) {
    const id = reader.byte();
    const length = reader.unsigned();
    sections.push({ id, start: reader.at, end: reader.at + length });
    reader.at += length;
  }
  return sections;
}

function sectionOf(sections: readonly Section[], id: number): Section {
  const section = sections.find((candidate) => candidate.id === id);
  if (section === undefined) throw new Error(`lean.wasm is not the pinned build: it has no section ${id}`);
  return section;
}

function readAddressed(reader: WasmReader): readonly string[] {
  const names: string[] = [];
  for (let left = reader.unsigned(); left > 0; left--) {
    const module = reader.name();
    const name = reader.name();
    skipImport(reader);
    if (module === 'GOT.func') names.push(name);
  }
  return names;
}

function skipImport(reader: WasmReader): void {
  const kind = reader.byte();
  if (kind === KIND.global) reader.at += 2;
  else if (kind === KIND.function) reader.unsigned();
  else if (kind === KIND.tag) {
    reader.at++;
    reader.unsigned();
  } else {
    if (kind === KIND.table) reader.at++;
    const hasMaximum = (reader.byte() & 1) === 1;
    reader.unsigned();
    if (hasMaximum) reader.unsigned();
  }
}

/** How many slots the table begins with. */
function readTable(reader: WasmReader): number {
  reader.expect(1, 'the number of tables');
  reader.expect(FUNCREF, 'the type of the table');
  reader.expect(0, 'the bound of the table');
  return reader.unsigned();
}

function readElements(reader: WasmReader): { segments: number; bodyAt: number; slotOf: Map<number, number> } {
  const segments = reader.unsigned();
  const bodyAt = reader.at;
  const slotOf = new Map<number, number>();
  for (let segment = 0; segment < segments; segment++) {
    reader.expect(0, 'the kind of an element segment');
    reader.expect(I32_CONST, 'the offset of an element segment');
    let slot = reader.unsigned();
    reader.expect(END, 'the end of an offset');
    for (let left = reader.unsigned(); left > 0; left--) slotOf.set(reader.unsigned(), slot++);
  }
  return { segments, bodyAt, slotOf };
}

function readExports(reader: WasmReader, keep: ReadonlySet<string>, slotOf: Map<number, number>, slotsBefore: number) {
  const symbols: [name: string, slot: number][] = [];
  const kept: Buffer[] = [];
  const added: number[] = [];
  for (let left = reader.unsigned(); left > 0; left--) {
    const start = reader.at;
    const name = reader.name();
    const kind = reader.byte();
    const index = reader.unsigned();
    const isFunction = kind === KIND.function;
    if (isFunction) {
      const slot = slotOf.get(index) ?? slotsBefore + added.length;
      if (!slotOf.has(index)) added.push(index);
      slotOf.set(index, slot);
      symbols.push([name, slot]);
    }
    if (!isFunction || keep.has(name)) kept.push(reader.bytes.subarray(start, reader.at));
  }
  return { symbols, kept, added };
}

/** Name → slot as one file: count, byte offsets, slots (32 bits each, little-endian), then the names, sorted bytewise. */
export function toSymbolFile(symbols: CompactWasm['symbols']): Buffer {
  const sorted = symbols.map(([name, slot]) => ({ name: Buffer.from(name), slot })).sort((a, b) => Buffer.compare(a.name, b.name));
  const head = Buffer.alloc(4 * (2 + 2 * sorted.length));
  head.writeUInt32LE(sorted.length, 0);
  let offset = 0;
  for (const [i, { name, slot }] of sorted.entries()) {
    head.writeUInt32LE(offset, 4 + 4 * i);
    head.writeUInt32LE(slot, 4 * (2 + sorted.length + i));
    offset += name.length;
  }
  head.writeUInt32LE(offset, 4 + 4 * sorted.length);
  return Buffer.concat([head, ...sorted.map(({ name }) => name)]);
}
