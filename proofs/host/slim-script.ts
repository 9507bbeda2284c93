/**
 * The edits of lean.js, the glue code of the package: 90 MB, of which 87 are statements that bind 201,107 exports one by one. As shipped,
 * the first line is elaborated after 145 s; edited, after 1.3 s. Every edit has to match exactly once (or as often as stated), so that
 * another build fails loudly. Nothing of this touches the elaborator or the kernel, which are in lean.wasm.
 */
export interface SlimScript {
  /** Functions that the remaining glue code asks for as exports. */
  readonly keep: ReadonlySet<string>;
  /** The edited script. `addressed`: slots of the functions that the module imports by address. */
  write(addressed: Readonly<Record<string, number>>): string;
}

const BINDING = /([A-Za-z_$][\w$]*)=Module\["[^"]*"\]=wasmExports\["([^"]*)"\](?:\.value)?;/g;
const DECLARATION = /var (_main,_lean_main,[^;]*);/;
const IDENTIFIER = /[A-Za-z_$][\w$]*/g;
/** File calls that a thread hands to the main thread; the main thread sleeps in slices of 1 ms, and `import Init` makes 5,000 of them. */
const PROXIED_FILE_CALL =
  /function ((?:_fd_|___syscall_|_environ_)\w+)\(([^)]*)\)\{if\(ENVIRONMENT_IS_PTHREAD\)return proxyToMainThread\([^)]*\);/g;
const PROXIED_FILE_CALLS = { min: 20, max: 60 } as const;

export function slimScript(source: string): SlimScript {
  const bindings: { id: string; statement: string; symbol: string }[] = [];
  const unbound = source.replace(BINDING, (statement: string, id: string, symbol: string) => {
    bindings.push({ id, statement, symbol });
    return '';
  });
  const declaration = DECLARATION.exec(unbound);
  if (declaration === null) throw new Error('lean.js is not the pinned build: no declaration of its exports');
  const body = unbound.replace(declaration[0], '/*EXPORTS*/');
  const used = new Set(body.match(IDENTIFIER));
  const usedBindings = bindings.filter(({ id }) => used.has(id));
  const declared = declaration[1].split(',').filter((name) => used.has(name));
  const asked = [...body.matchAll(/wasmExports\["([^"]+)"\]/g)].map((match) => match[1]);
  return {
    keep: new Set(['__main_argc_argv', ...usedBindings.map(({ symbol }) => symbol), ...asked]),
    write(addressed) {
      const edited = edits(usedBindings.map(({ statement }) => statement).join(''), addressed).reduce(replaceOnce, body);
      return replaceOnce(serveFileCallsInThread(edited), ['/*EXPORTS*/', `var ${declared.join(',')};`]).replaceAll(
        'console.log("[DEBUG:',
        'void("[DEBUG:',
      );
    },
  };
}

type Edit = readonly [before: string, after: string];

function replaceOnce(text: string, [before, after]: Edit): string {
  const at = text.indexOf(before);
  if (at === -1 || text.includes(before, at + 1))
    throw new Error(`lean.js is not the pinned build: ${JSON.stringify(before.slice(0, 70))} does not stand in it exactly once`);
  return text.slice(0, at) + after + text.slice(at + before.length);
}

function serveFileCallsInThread(text: string): string {
  let count = 0;
  const edited = text.replace(PROXIED_FILE_CALL, (_match, name: string, parameters: string) => {
    count++;
    return `function ${name}(${parameters}){`;
  });
  if (count < PROXIED_FILE_CALLS.min || count > PROXIED_FILE_CALLS.max)
    throw new Error(`lean.js is not the pinned build: ${count} file calls are handed to the main thread`);
  return edited;
}

function edits(bindings: string, addressed: Readonly<Record<string, number>>): readonly Edit[] {
  return [
    ['function assignWasmExports(wasmExports){', `function assignWasmExports(wasmExports){${bindings}`],
    // A symbol is a slot of the table, the same in every thread: nothing has to be synchronised, and no two threads add slots at once.
    [
      'newSymIndex=Object.keys(lib.exports).indexOf(symbol);',
      'var __slot=__slotOf(symbol);if(__slot)return __slot;newSymIndex=symbol in lib.exports?0:-1;',
    ],
    ['functionsInTableMap=new WeakMap;updateTableMap(0,wasmTable.length)', 'functionsInTableMap=new WeakMap'],
    // A prototype link instead of 200,000 copies, and addresses only for the functions that are imported by address.
    ['mergeLibSymbols(wasmExports,"main");var metadata', '__linkMain(wasmExports);var metadata'],
    ['updateGOT(origExports);LDSO.init()', '__updateAddresses();LDSO.init()'],
    // One thread is enough; it needs a deep stack and its own view of the files.
    ['var pthreadPoolSize=4;', 'var pthreadPoolSize=1;'],
    [
      '{workerData:"em-pthread",name:"em-pthread"}',
      '{workerData:"em-pthread",name:"em-pthread",resourceLimits:{stackSizeMb:64,maxOldGenerationSizeMb:4096}}',
    ],
    [
      'if(ENVIRONMENT_IS_PTHREAD)return startWorker();',
      'if(ENVIRONMENT_IS_PTHREAD){FS.init();TTY.init();__mountHost();return startWorker()}',
    ],
    ['FS.mount(NODEFS,{root:"/home"},"/home");FS.mount(NODEFS,{root:"/tmp"},"/tmp");', '__mountHost();return 0;'],
    [
      'var out=defaultPrint;var err=defaultPrintErr;',
      'var __noise=/^\\[DEBUG:|^  mainModule\\? = |^  - .*\\.olean$/;if(ENVIRONMENT_IS_NODE){var __print=defaultPrintErr;' +
        'defaultPrintErr=(...a)=>{if(typeof a[0]=="string"&&__noise.test(a[0]))return;__print(...a)}}' +
        'var out=defaultPrint;var err=defaultPrintErr;',
    ],
    // What the host needs of the module: the exports, the memory as it grows, functions by name.
    ['var Module=typeof Module!="undefined"?Module:{};', 'var Module=globalThis.leanModule??{};'],
    ['registerTLSInit(wasmExports["_emscripten_tls_init"]', 'Module.ex=wasmExports;registerTLSInit(wasmExports["_emscripten_tls_init"]'],
    ['function updateMemoryViews(){', 'function updateMemoryViews(){Module.wasmMemory=wasmMemory;'],
    ['async function createWasm(){', `${additions(addressed)}\nasync function createWasm(){`],
  ];
}

/** Functions added to the glue code. Plain JavaScript that runs inside lean.js, in every thread. */
function additions(addressed: Readonly<Record<string, number>>): string {
  return `
var __file;
function __slotOf(name){
  if(!__file){var b=fs.readFileSync(__dirname+"/lean.syms"),n=b.readUInt32LE(0);__file={b,n,names:4+4*(n+1)+4*n}}
  var key=Buffer.from(name),low=0,high=__file.n-1;
  while(low<=high){
    var mid=low+high>>1,from=__file.b.readUInt32LE(4+4*mid),to=__file.b.readUInt32LE(8+4*mid);
    var order=__file.b.compare(key,0,key.length,__file.names+from,__file.names+to);
    if(order==0)return __file.b.readUInt32LE(4*(2+__file.n+mid));
    if(order<0)low=mid+1;else high=mid-1
  }
  return 0
}
Module.sym=name=>{var slot=__slotOf(name);return slot?wasmTable.get(slot):undefined};
function __linkMain(exports){
  for(var name of Object.keys(wasmImports)){if((!wasmImports[name]||wasmImports[name].stub)&&name in exports)wasmImports[name]=exports[name]}
  Object.setPrototypeOf(wasmImports,exports);
  if("__main_argc_argv" in exports&&!("main" in wasmImports))wasmImports["main"]=exports["__main_argc_argv"]
}
function __updateAddresses(){var slots=${JSON.stringify(addressed)};for(var name in slots)if(GOT[name]&&GOT[name].value==-1)GOT[name].value=slots[name]}
Module.mountHost=environment=>{Object.assign(ENV,environment);__mountHost()};
function __mountHost(){
  for(var folder of fs.readdirSync("/")){
    if(folder=="dev"||folder=="proc"||folder=="sys")continue;
    var stat;try{stat=fs.lstatSync("/"+folder)}catch{continue}
    if(!stat.isDirectory())continue;
    try{FS.mkdir("/"+folder)}catch{}
    try{FS.mount(NODEFS,{root:"/"+folder},"/"+folder)}catch{}
  }
  try{FS.chdir(process.cwd())}catch{}
}`;
}
