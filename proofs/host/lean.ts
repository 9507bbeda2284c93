import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { LeanMemory, type LeanModule, type Pointer } from './lean-memory.ts';

/**
 * Lean in this process, through its compiled functions instead of its command line, which in this build treats every file as a `module`
 * and loses compiler-made names. What `importEnv` does repeats what native Lean does when it imports for an ordinary file.
 */
export interface Message {
  readonly severity: 'error' | 'warning' | 'information';
  readonly data: string;
  readonly pos: { readonly line: number; readonly column: number };
}

export interface CheckInput {
  readonly text: string;
  readonly file: string;
  readonly module: string;
  /** Where the compiled module is written if the file has no error. */
  readonly olean?: string;
  readonly options: Readonly<Record<string, boolean>>;
}

export interface CheckOutput {
  readonly messages: readonly Message[];
  readonly importMs: number;
  readonly elaborationMs: number;
  readonly memoryMiB: number;
}

declare global {
  // How the edited lean.js finds the object it is to fill; only `var` declares a property of globalThis.
  // oxlint-disable-next-line no-var -- see above
  var leanModule: LeanModule | undefined;
}

/** Recursive models and the elaborator go deep; the module brings only 64 KiB. */
const STACK_BYTES = 64 * 1024 * 1024;
const STACK_ALIGNMENT_BYTES = 16;
const THREADS = 2;
/** `Lean.OLeanLevel.private`: with the bodies of definitions and under the names of an ordinary file. */
const LEVEL_PRIVATE = 2;

const INSERT_CONSTANT =
  'l_Std_DHashMap_Internal_Raw_u2080_insert___at___00Lean_SMap_insert___at___00__private_Lean_Environment_0__Lean_Kernel_Environment_add_spec__0_spec__1___redArg';
const FINALIZE_EXTENSIONS = 'l___private_Lean_Environment_0__Lean_finalizePersistentExtensions';

/** Positions of fields in Lean's structures. */
const ENVIRONMENT = { base: 0, realizationContext: 5 } as const;
const KERNEL_ENVIRONMENT = { constantToModule: 2, extensions: 3, irExtensions: 4, header: 5 } as const;
const HEADER_MODULE_DATA = 5;
const MODULE_DATA_EXTRA_NAMES = 3;

export class Lean {
  readonly #memory: LeanMemory;
  /** Environments by what was imported: files with the same imports share one, which saves 0.3 s and 80 MB. */
  readonly #environments = new Map<string, Pointer>();

  private constructor(memory: LeanMemory) {
    this.#memory = memory;
  }

  /** `distDir`: what prepare made. `oleanDirs`: where the project's own compiled modules are looked for. Once per process. */
  static async start(distDir: string, oleanDirs: readonly string[]): Promise<Lean> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const hooks = { noInitialRun: true, onRuntimeInitialized: resolve };
    globalThis.leanModule = hooks as LeanModule;
    createRequire(import.meta.url)(join(distDir, 'bin', 'lean.js'));
    await promise;
    const module = globalThis.leanModule;
    module.mountHost({ LEAN_PATH: [join(distDir, 'lib', 'lean'), ...oleanDirs].join(':') });
    const memory = new LeanMemory(module);
    // Before Lean notes where its stack ends.
    const stack = memory.object('malloc', STACK_BYTES);
    memory.call('emscripten_stack_set_limits', stack + STACK_BYTES, stack);
    memory.call('_emscripten_stack_restore', stack + STACK_BYTES - STACK_ALIGNMENT_BYTES);
    memory.call('lean_initialize');
    memory.call('_ZN4lean16init_search_pathEv');
    memory.io(memory.object('lean_enable_initializer_execution'), 'initialize');
    memory.call('lean_io_mark_end_initialization');
    memory.call('lean_init_task_manager_using', THREADS);
    return new Lean(memory);
  }

  /** Elaborates a file. An error in it is a message, not an exception. */
  check(input: CheckInput): CheckOutput {
    const { environment, output } = this.#elaborate(input);
    if (input.olean !== undefined && !output.messages.some(({ severity }) => severity === 'error')) {
      mkdirSync(dirname(input.olean), { recursive: true });
      const memory = this.#memory;
      const path = memory.fromString(input.olean);
      memory.io(
        memory.guarded(() => memory.object('l_Lean_writeModule', memory.retain(environment), path)),
        'write',
      );
    }
    return output;
  }

  /** The constants `names`, each a `String → String` of the file `input`, to be called from here. */
  functions(input: CheckInput, names: readonly string[]): ReadonlyMap<string, (argument: string) => string> {
    const { environment, output } = this.#elaborate(input);
    const error = output.messages.find(({ severity }) => severity === 'error');
    if (error !== undefined) throw new Error(`${input.file}:${error.pos.line}: ${error.data}`);
    return new Map(names.map((name) => [name, this.#function(environment, name)]));
  }

  #function(environment: Pointer, name: string): (argument: string) => string {
    const memory = this.#memory;
    const evaluated = memory.guarded(() =>
      memory.object('lean_eval_const', memory.retain(environment), memory.global('l_Lean_Options_empty'), memory.toName(name)),
    );
    if (memory.tag(evaluated) === 0) throw new Error(`evaluate "${name}": ${memory.string(memory.field(evaluated, 0))}`);
    const closure = memory.field(evaluated, 0);
    return (argument) => {
      const result = memory.guarded(() => memory.object('lean_apply_1', memory.retain(closure), memory.fromString(argument)));
      const text = memory.string(result);
      memory.release(result);
      return text;
    };
  }

  #elaborate({ text, file, module, options }: CheckInput): { environment: Pointer; output: CheckOutput } {
    const memory = this.#memory;
    const retained = (pointer: Pointer): Pointer => memory.retain(pointer);
    const leanOptions = this.#options(options);
    const context = (): Pointer => this.#inputContext(text, file);
    const header = memory.io(memory.object('l_Lean_Parser_parseHeader', context()), 'header');
    const [syntax, rest] = [memory.field(header, 0), memory.field(header, 1)];
    const [parserState, headerMessages] = [memory.field(rest, 0), memory.field(rest, 1)];
    const imports = memory.object('l_Lean_Elab_HeaderSyntax_imports', retained(syntax), 1);
    const startMs = performance.now();
    const base = this.#imported(imports, leanOptions);
    const importedMs = performance.now();
    const named = memory.object('l_Lean_Environment_setMainModule', retained(base), memory.toName(module));
    const before = memory.object('l_Lean_Elab_Command_mkState', named, retained(headerMessages), retained(leanOptions));
    const result = memory.io(
      memory.guarded(() => memory.object('l_Lean_Elab_IO_processCommands', context(), retained(parserState), before)),
      'elaborate',
    );
    const after = memory.field(result, 0);
    const messages = memory.array(memory.object('l_Lean_MessageLog_toArray', retained(memory.field(after, 1)))).map((pointer) => {
      const json = memory.guarded(() => memory.object('l_Lean_Message_toJson', retained(pointer)));
      return JSON.parse(memory.string(memory.object('l_Lean_Json_compress', json))) as Message;
    });
    const output = {
      messages,
      importMs: importedMs - startMs,
      elaborationMs: performance.now() - importedMs,
      memoryMiB: memory.sizeMiB,
    };
    return { environment: memory.field(after, 0), output };
  }

  #inputContext(text: string, file: string): Pointer {
    const memory = this.#memory;
    const end = memory.box(Buffer.byteLength(text));
    return memory.object('l_Lean_Parser_mkInputContext___redArg', memory.fromString(text), memory.fromString(file), 1, end);
  }

  #options(options: CheckInput['options']): Pointer {
    const memory = this.#memory;
    return Object.entries(options).reduce(
      (made, [name, value]) => memory.object('l_Lean_KVMap_setBool', made, memory.toName(name), value ? 1 : 0),
      memory.global('l_Lean_Options_empty'),
    );
  }

  #imported(imports: Pointer, options: Pointer): Pointer {
    const memory = this.#memory;
    const key = memory
      .array(imports)
      .map((pointer) => memory.name(memory.field(pointer, 0)))
      .join(' ');
    let environment = this.#environments.get(key);
    if (environment === undefined) this.#environments.set(key, (environment = this.#importEnv(imports, options)));
    return environment;
  }

  #importEnv(imports: Pointer, options: Pointer): Pointer {
    const memory = this.#memory;
    const retained = (pointer: Pointer): Pointer => memory.retain(pointer);
    const imported = memory.guarded(() =>
      // Trust level 0; plugins: none; leak the environment, as Lean does; extensions are loaded below.
      memory.object(
        'l_Lean_importModules',
        retained(imports),
        retained(options),
        0,
        memory.emptyArray(),
        1,
        0,
        LEVEL_PRIVATE,
        memory.box(1),
      ),
    );
    const environment = memory.io(imported, 'import');
    const kernel = memory.field(memory.field(environment, ENVIRONMENT.base), 0);
    const modules = memory.field(memory.field(kernel, KERNEL_ENVIRONMENT.header), HEADER_MODULE_DATA);
    this.#addCompilerNames(kernel, modules);
    // This build also loses the entries of the compiler's extensions; they are in the compiled modules.
    memory.setField(kernel, KERNEL_ENVIRONMENT.irExtensions, retained(memory.field(kernel, KERNEL_ENVIRONMENT.extensions)));
    const context = memory.field(environment, ENVIRONMENT.realizationContext);
    memory.setField(environment, ENVIRONMENT.realizationContext, memory.box(0));
    const finalize = (): Pointer => memory.object(FINALIZE_EXTENSIONS, environment, retained(modules), retained(options));
    const loaded = memory.io(memory.guarded(finalize), 'load extensions');
    memory.call('lean_mark_persistent', loaded);
    memory.setField(memory.field(context, 0), 0, loaded);
    // Setting the name makes a fresh, unshared copy of the record.
    const fresh = memory.object('l_Lean_Environment_setMainModule', loaded, memory.toName('_'));
    memory.setField(fresh, ENVIRONMENT.realizationContext, context);
    memory.call('lean_mark_persistent', fresh);
    return fresh;
  }

  /** Registers names that the compiler made (`f._redArg`, private loops), as native Lean does; without them no code is generated. */
  #addCompilerNames(kernel: Pointer, modules: Pointer): void {
    const memory = this.#memory;
    const before = memory.field(kernel, KERNEL_ENVIRONMENT.constantToModule);
    let map = memory.retain(before);
    for (const [index, data] of memory.array(modules).entries())
      for (const name of memory.array(memory.field(data, MODULE_DATA_EXTRA_NAMES)))
        map = memory.object(INSERT_CONSTANT, map, memory.retain(name), memory.box(index));
    memory.call('lean_mark_persistent', map);
    memory.setField(before, 0, memory.field(map, 0));
    memory.setField(before, 1, memory.field(map, 1));
  }
}
