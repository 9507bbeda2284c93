/** The import rules between rooms. Each rule has a planted violation in test/gates/boundaries.test.ts that it must reject. */

const ROOMS = 'anchor|archive|attack|bin|bundle|cli|config|dashboards|http|import|ingest|ledger|limiter|observe|verify|versions|watch';

/** Files of a room that may open files; everything else gets bytes handed in. */
const STORES = [
  'src/ledger/', // narrowed by fs-only-in-stores
  'src/verify/', // narrowed by fs-only-in-stores
  'src/anchor/', // narrowed by fs-only-in-stores
  'src/archive/', // narrowed by fs-only-in-stores
  'src/attack/', // narrowed by fs-only-in-stores
  'src/watch/', // narrowed by fs-only-in-stores
  'src/limiter/', // narrowed by fs-only-in-stores
  'src/versions/', // narrowed by fs-only-in-stores
  'src/http/private-file.ts', // contents of versions, from the file that the store made for one reader
  'src/cli/', // reads and writes the files the user names
  'src/import/', // reads the log file the user names
  'src/config/', // configuration, tokens and keys come from files
];

/** In the ledger and the verifier only these touch the disk. A new one belongs into the fault table when it writes. */
const STORE_FILES = [
  '^src/ledger/(committer|create-ledger|files|index-files|key-files|lock|open-request|prune-files|quarantine|read-block|recover|rotate-files|segment-files|walk-frames)\\.ts$',
  '^src/verify/ledger-files\\.ts$',
  '^src/archive/directory-store\\.ts$',
  '^src/attack/disk\\.ts$',
  '^src/watch/(change-events|disk)\\.ts$',
  '^src/limiter/(decision-trace|limits-source)\\.ts$',
  '^src/anchor/(file-checkpoint-store|witness-files)\\.ts$',
  '^src/versions/disk\\.ts$',
];

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'two files that need each other are one file, or miss a third',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'no-unresolvable',
      comment: 'an import that leads nowhere hides every other rule',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'kernel-imports-no-room',
      comment: 'the kernel is what everything else stands on',
      severity: 'error',
      from: { path: '^src/kernel/' },
      to: { path: '^src/', pathNot: '^src/kernel/' },
    },
    {
      name: 'verify-imports-kernel-and-bundle-format-only',
      comment: 'the verifier is written from the format documents, not from the writer',
      severity: 'error',
      from: { path: '^src/verify/' },
      to: { path: '^src/', pathNot: ['^src/(verify|kernel)/', '^src/bundle/format\\.ts$'] },
    },
    {
      name: 'ledger-sees-no-server',
      comment: 'the ledger works without HTTP, bundles, limits and parsers',
      severity: 'error',
      from: { path: '^src/ledger/' },
      to: { path: '^src/(http|bundle|limiter|ingest|cli|verify)/' },
    },
    {
      name: 'anchor-imports-kernel-and-ledger-ports-only',
      comment: 'what vouches for a ledger from outside does not reach into it',
      severity: 'error',
      from: { path: '^src/anchor/' },
      to: { path: '^src/', pathNot: ['^src/(anchor|kernel)/', '^src/ledger/(ports|checkpoint-lock)\\.ts$'] },
    },
    {
      name: 'ledger-opens-locks-only',
      comment: 'of the anchors the writer knows the checkpoint lock, and that by its port',
      severity: 'error',
      from: { path: '^src/ledger/' },
      to: { path: '^src/anchor/', pathNot: '^src/anchor/open-checkpoint-lock\\.ts$' },
    },
    {
      name: 'archive-imports-kernel-and-ledger-ports-only',
      comment: 'what is archived is read through the port, like by everybody else; what was archived is hashed as blocks of the ledger are',
      severity: 'error',
      from: { path: '^src/archive/' },
      to: { path: '^src/', pathNot: ['^src/(archive|kernel)/', '^src/ledger/(ports|hash-block|read-block|ledger-error)\\.ts$'] },
    },
    {
      name: 'attack-imports-kernel-only',
      comment: 'an attacker knows the format document, not our code',
      severity: 'error',
      from: { path: '^src/attack/' },
      to: { path: '^src/', pathNot: '^src/(attack|kernel)/' },
    },
    {
      name: 'attack-used-by-cli-only',
      comment: 'nothing that keeps a ledger carries the tools to break it',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(attack|cli)/' },
      to: { path: '^src/attack/' },
    },
    {
      name: 'watch-imports-kernel-and-announcements-only',
      comment: 'the watch believes the announcements and the disk, not the code of the writer',
      severity: 'error',
      from: { path: '^src/watch/' },
      to: { path: '^src/', pathNot: ['^src/(watch|kernel)/', '^src/ledger/(files|paths|port-journal|ports|write-journal)\\.ts$'] },
    },
    {
      name: 'watch-wired-by-context-only',
      comment: 'what was found reaches everybody else through the kernel type WatchStatus',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(watch/|context\\.ts$)' },
      to: { path: '^src/watch/' },
    },
    {
      name: 'limiter-imports-kernel-and-ledger-ports-only',
      comment: 'limits are decided without HTTP, and recorded in any ledger that keeps the port',
      severity: 'error',
      from: { path: '^src/limiter/' },
      to: { path: '^src/', pathNot: ['^src/(limiter|kernel)/', '^src/ledger/ports\\.ts$'] },
    },
    {
      name: 'versions-import-kernel-and-ledger-ports-only',
      comment: 'artifacts are kept without HTTP, and recorded in any ledger that keeps the port',
      severity: 'error',
      from: { path: '^src/versions/' },
      to: { path: '^src/', pathNot: ['^src/(versions|kernel)/', '^src/ledger/ports\\.ts$'] },
    },
    {
      name: 'ingest-imports-kernel-only',
      comment: 'parsing is a pure function from bytes to a batch',
      severity: 'error',
      from: { path: '^src/ingest/' },
      to: { path: '^src/', pathNot: '^src/(ingest|kernel)/' },
    },
    {
      name: 'bundle-imports-kernel-and-ledger-ports-only',
      comment: 'a bundle is made from any ledger that keeps the port',
      severity: 'error',
      from: { path: '^src/bundle/' },
      to: { path: '^src/', pathNot: ['^src/(bundle|kernel)/', '^src/ledger/ports\\.ts$'] },
    },
    {
      name: 'pure-models-import-nothing',
      comment: 'the models that are proved and tested against their stores stand alone',
      severity: 'error',
      from: { path: '^src/(limiter/window|versions/patch)\\.ts$' },
      to: {},
    },
    {
      name: 'sign-and-verify-apart',
      comment: 'nothing that writes is checked by code that knows how it was written',
      severity: 'error',
      from: { path: '^src/(ledger|bundle|ingest)/' },
      to: { path: '^src/verify/' },
    },
    {
      name: 'wiring-imported-by-main-only',
      comment: 'main, app and context are the top; only tests and main may reach for them',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/(main|app|context)\\.ts$', '^src/bin/', '^src/cli/serve\\.ts$'] },
      to: { path: '^src/(main|app|context)\\.ts$' },
    },
    {
      name: 'rooms-do-not-import-cli',
      comment: 'commands are thin and use rooms, never the other way round',
      severity: 'error',
      from: { path: `^src/(${ROOMS}|kernel)/`, pathNot: '^src/(cli|bin)/' },
      to: { path: '^src/cli/' },
    },
    {
      name: 'fs-only-in-rooms-with-stores',
      comment: 'only store files touch the disk',
      severity: 'error',
      from: { path: '^src/', pathNot: STORES.map((room) => `^${room}`) },
      to: { path: '^(node:)?fs(/promises)?$', dependencyTypes: ['core'] },
    },
    {
      name: 'fs-only-in-stores',
      comment: 'every write site of the ledger is a file of the fault table',
      severity: 'error',
      from: { path: '^src/(ledger|verify|anchor|archive|attack|limiter|versions|watch)/', pathNot: STORE_FILES },
      to: { path: '^(node:)?fs(/promises)?$', dependencyTypes: ['core'] },
    },
    {
      name: 'src-imports-no-test-code',
      comment: 'nothing that ships depends on tests, tools or benchmarks',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|tools|bench)/' },
    },
    {
      name: 'src-imports-no-development-packages',
      comment: 'npm install --omit=dev must run',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/bundle/timeline/app/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|coverage)/' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'require', 'node', 'default', 'types'] },
  },
};
