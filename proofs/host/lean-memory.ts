/**
 * Lean's C interface as seen from JavaScript: objects in the memory of the module, laid out for 32 bits as
 * { reference count: i32, size: u16, other: u8, tag: u8 } and then pointers (lean.h). A pointer with its lowest bit set is a small number.
 */
export type Pointer = number;

/** A function of the module, or a global that holds an address. */
type NativeFunction = ((...args: readonly number[]) => number) & { readonly value?: number };

/** What the edited lean.js offers. */
export interface LeanModule {
  readonly noInitialRun: boolean;
  readonly onRuntimeInitialized: () => void;
  readonly ex: Readonly<Record<string, NativeFunction | undefined>>;
  readonly sym: (name: string) => NativeFunction | undefined;
  readonly wasmMemory: { readonly buffer: ArrayBufferLike };
  readonly mountHost: (environment: Readonly<Record<string, string>>) => void;
}

const HEADER_BYTES = 8;
/** Where the characters of a string and the elements of an array begin. */
const STRING_AT = 20;
const ARRAY_AT = 16;

const decoder = new TextDecoder('utf-8');

export class LeanMemory {
  readonly #module: LeanModule;
  readonly #functions = new Map<string, NativeFunction>();

  constructor(module: LeanModule) {
    this.#module = module;
  }

  /** Calls a function of the module by its C name. */
  call(name: string, ...args: readonly number[]): number {
    return this.#function(name)(...args);
  }

  /** The same for a function that answers with an object. */
  object(name: string, ...args: readonly number[]): Pointer {
    return this.#function(name)(...args) >>> 0;
  }

  #function(name: string): NativeFunction {
    let found = this.#functions.get(name);
    if (found === undefined) {
      found = this.#module.ex[name] ?? this.#module.sym(name);
      if (found === undefined) throw new Error(`this build of Lean has no function "${name}"`);
      this.#functions.set(name, found);
    }
    return found;
  }

  // The memory may move whenever it grows, so a view is only good until the next call.
  get #words(): Uint32Array {
    return new Uint32Array(this.#module.wasmMemory.buffer);
  }

  get #bytes(): Uint8Array {
    return new Uint8Array(this.#module.wasmMemory.buffer);
  }

  get sizeMiB(): number {
    return Math.round(this.#module.wasmMemory.buffer.byteLength / 1048576);
  }

  box(value: number): Pointer {
    return ((value << 1) | 1) >>> 0;
  }

  isScalar(pointer: Pointer): boolean {
    return (pointer & 1) === 1;
  }

  tag(pointer: Pointer): number {
    return this.isScalar(pointer) ? pointer >>> 1 : this.#bytes[pointer + 7];
  }

  field(pointer: Pointer, index: number): Pointer {
    return this.#words[((pointer + HEADER_BYTES) >> 2) + index];
  }

  setField(pointer: Pointer, index: number, value: Pointer): void {
    this.#words[((pointer + HEADER_BYTES) >> 2) + index] = value;
  }

  /** One more owner: functions of Lean take ownership of what they are given. A negative count is shared between threads. */
  retain(pointer: Pointer): Pointer {
    if (this.isScalar(pointer)) return pointer;
    const counts = new Int32Array(this.#module.wasmMemory.buffer);
    const count = counts[pointer >> 2];
    if (count > 0) counts[pointer >> 2] = count + 1;
    else if (count < 0) Atomics.sub(counts, pointer >> 2, 1);
    return pointer;
  }

  release(pointer: Pointer): void {
    const counts = new Int32Array(this.#module.wasmMemory.buffer);
    if (counts[pointer >> 2] === 1) this.call('lean_dec_ref_cold', pointer);
    else if (counts[pointer >> 2] > 1) counts[pointer >> 2]--;
  }

  string(pointer: Pointer): string {
    const bytesWithEnd = this.#words[(pointer + 8) >> 2];
    // A copy: the decoder does not read memory that threads share.
    return decoder.decode(this.#bytes.slice(pointer + STRING_AT, pointer + STRING_AT - 1 + bytesWithEnd));
  }

  array(pointer: Pointer): Pointer[] {
    const length = this.#words[(pointer + 8) >> 2];
    const from = (pointer + ARRAY_AT) >> 2;
    return Array.from(this.#words.subarray(from, from + length));
  }

  emptyArray(): Pointer {
    return this.object('lean_mk_array', this.box(0), this.box(0));
  }

  fromString(text: string): Pointer {
    const bytes = Buffer.from(`${text}\0`);
    const at = this.object('malloc', bytes.length);
    this.#bytes.set(bytes, at);
    const made = this.object('lean_mk_string', at);
    this.call('free', at);
    return made;
  }

  toName(dotted: string): Pointer {
    return dotted.split('.').reduce((prefix, part) => this.object('lean_name_mk_string', prefix, this.fromString(part)), this.box(0));
  }

  name(pointer: Pointer): string {
    if (this.isScalar(pointer)) return '';
    const prefix = this.name(this.field(pointer, 0));
    const last = this.tag(pointer) === 1 ? this.string(this.field(pointer, 1)) : String(this.field(pointer, 1) >>> 1);
    return prefix === '' ? last : `${prefix}.${last}`;
  }

  /** The object that a global of the module holds. */
  global(name: string): Pointer {
    const { value } = this.#function(name);
    if (value === undefined) throw new Error(`"${name}" of this build of Lean is not a global`);
    return this.retain(this.#words[value >> 2]);
  }

  /** The value of an `IO` result; throws when it is an error. */
  io(result: Pointer, what: string): Pointer {
    if (this.tag(result) === 0) return this.field(result, 0);
    const message = this.object('lean_io_error_to_string', this.retain(this.field(result, 0)));
    throw new Error(`${what}: ${this.string(message)}`);
  }

  /** Runs a call that may end in an exception of C++, which arrives here as a bare number. */
  guarded(run: () => Pointer): Pointer {
    try {
      return run() >>> 0;
    } catch (error) {
      if (typeof error !== 'number') throw error;
      const texts = this.object('malloc', 8);
      this.call('__get_exception_message', error, texts, texts + 4);
      const [type, message] = [0, 4].map((offset) => this.#cString(this.#words[(texts + offset) >> 2]));
      throw new Error(`exception in Lean: ${type}: ${message}`, { cause: error });
    }
  }

  #cString(at: number): string {
    const bytes = this.#bytes;
    return decoder.decode(bytes.slice(at, bytes.indexOf(0, at)));
  }
}
