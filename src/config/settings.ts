/** Every setting, once: the parser, the YAML file and docs/config.md all come from this table. */
export interface Setting {
  readonly env: `PROOFS_${string}`;
  /** Key in the YAML file; undefined where a file cannot state it. */
  readonly key: string | undefined;
  readonly fallback: string;
  /** One sentence for docs/config.md. */
  readonly meaning: string;
}

export const SETTINGS = {
  host: {
    env: 'PROOFS_HOST',
    key: 'host',
    fallback: '127.0.0.1',
    meaning: 'Address to listen on. Anything beyond loopback needs PROOFS_TOKENS_FILE.',
  },
  port: { env: 'PROOFS_PORT', key: 'port', fallback: '8080', meaning: 'TCP port, 0–65535; 0 picks a free one and prints it.' },
  dataDir: { env: 'PROOFS_DATA_DIR', key: 'dataDir', fallback: './data', meaning: 'Folder of the ledger. One sidecar per folder.' },
  keysDir: {
    env: 'PROOFS_KEYS_DIR',
    key: 'keysDir',
    fallback: 'DATA_DIR/keys',
    meaning: 'Folder of the key files, made on the first start with mode 0600. Move verification.key to another machine.',
  },
  origin: {
    env: 'PROOFS_ORIGIN',
    key: 'origin',
    fallback: 'post-incident-proofs/KEY HASH',
    meaning: 'Name in checkpoints, fixed when the ledger is made: no white space, no "+".',
  },
  tokensFile: {
    env: 'PROOFS_TOKENS_FILE',
    key: 'tokensFile',
    fallback: 'none',
    meaning: 'File whose first line is the bearer token (at least 16 characters) that every request must carry.',
  },
  anchor: {
    env: 'PROOFS_ANCHOR',
    key: 'anchor',
    fallback: 'file',
    meaning:
      'Where the last public checkpoint is kept outside the data folder: file, redis or off (then nothing notices a rollback of the whole folder).',
  },
  anchorDir: {
    env: 'PROOFS_ANCHOR_DIR',
    key: 'anchorDir',
    fallback: '$XDG_STATE_HOME/post-incident-proofs/anchors',
    meaning:
      'Folder of the checkpoint lock, best on another disk than the data; `off` is PROOFS_ANCHOR=off. XDG_STATE_HOME is ~/.local/state unless set.',
  },
  redisUrl: {
    env: 'PROOFS_REDIS_URL',
    key: 'redisUrl',
    fallback: 'none',
    meaning:
      'redis:// or rediss:// address of the server that PROOFS_ANCHOR=redis and PROOFS_LIMITS_STORE=redis use; for the latter also several nodes of a Redis Cluster, separated by commas.',
  },
  redisPasswordFile: {
    env: 'PROOFS_REDIS_PASSWORD_FILE',
    key: 'redisPasswordFile',
    fallback: 'none',
    meaning: 'File whose first line is the password of that server; wins over one in the address.',
  },
  witnessLogsFile: {
    env: 'PROOFS_WITNESS_LOGS_FILE',
    key: 'witnessLogsFile',
    fallback: 'none',
    meaning: 'Logs that this sidecar is a witness of: verifier keys, one a line. Without it `POST /add-checkpoint` knows no log.',
  },
  witnessesFile: {
    env: 'PROOFS_WITNESSES_FILE',
    key: 'witnessesFile',
    fallback: 'none',
    meaning: "Witnesses of this ledger, one a line: the peer's address, a space, its key as its `GET /witness/key` prints it.",
  },
  witnessSeconds: {
    env: 'PROOFS_WITNESS_SECONDS',
    key: 'witnessSeconds',
    fallback: '10',
    meaning: 'Seconds, 1–3600, that pass at least between two checkpoints sent to the witnesses.',
  },
  archive: {
    env: 'PROOFS_ARCHIVE',
    key: 'archive',
    fallback: 'none',
    meaning: 'Where full segments are copied to in the layout of tlog-tiles: a folder, or `s3://BUCKET/PREFIX`.',
  },
  s3Endpoint: {
    env: 'PROOFS_S3_ENDPOINT',
    key: 's3Endpoint',
    fallback: 'https://s3.REGION.amazonaws.com',
    meaning: 'Address of the S3-compatible store of PROOFS_ARCHIVE; buckets are addressed by path.',
  },
  s3Region: { env: 'PROOFS_S3_REGION', key: 's3Region', fallback: 'us-east-1', meaning: 'Region that requests to it are signed for.' },
  s3KeyFile: {
    env: 'PROOFS_S3_KEY_FILE',
    key: 's3KeyFile',
    fallback: 'none',
    meaning: 'File of two lines: access key id and secret access key.',
  },
  retain: {
    env: 'PROOFS_RETAIN',
    key: 'retain',
    fallback: 'off',
    meaning:
      'How long entries stay: `off` (for ever), days (`30d`) or gigabytes of segments (`100GB`). Whole segments go, oldest first but never the first one, and with PROOFS_ARCHIVE only after they are archived.',
  },
  watch: {
    env: 'PROOFS_WATCH',
    key: 'watch',
    fallback: 'on',
    meaning: 'Live detection of changes to the files of the ledger: on or off; see docs/watch.md.',
  },
  watchImmutable: {
    env: 'PROOFS_WATCH_IMMUTABLE',
    key: 'watchImmutable',
    fallback: 'off',
    meaning:
      'auto sets the immutable flag (`chattr +i`) on full segments where the file system and our rights allow it; deleting the folder needs `chattr -R -i` then. Or off.',
  },
  limitsFile: {
    env: 'PROOFS_LIMITS_FILE',
    key: 'limitsFile',
    fallback: 'none',
    meaning: 'YAML file of rate limits, see docs/ratelimit.md; read again when it changes, and on SIGHUP. Without it there are none.',
  },
  limitsStore: {
    env: 'PROOFS_LIMITS_STORE',
    key: 'limitsStore',
    fallback: 'memory',
    meaning:
      'Where the windows are kept: memory (of this process alone) or redis (shared by all nodes with the same PROOFS_LIMITS_PREFIX).',
  },
  limitsPrefix: {
    env: 'PROOFS_LIMITS_PREFIX',
    key: 'limitsPrefix',
    fallback: 'proofs:limits:',
    meaning: 'What stands before the keys in Redis.',
  },
  limitsTimeout: {
    env: 'PROOFS_LIMITS_TIMEOUT_MS',
    key: 'limitsTimeoutMs',
    fallback: '250',
    meaning: 'Milliseconds, 1–10000, that a decision waits for Redis; then each limit says what holds without it.',
  },
  limitsKeys: {
    env: 'PROOFS_LIMITS_KEYS',
    key: 'limitsKeys',
    fallback: '1000000',
    meaning: 'Keys whose windows run at a time, at most; new ones beyond are answered with 503 and none is forgotten.',
  },
  limitsTrace: {
    env: 'PROOFS_LIMITS_TRACE',
    key: 'limitsTrace',
    fallback: 'none',
    meaning: 'File that every decision of the limits is appended to, one JSON line each (docs/ratelimit.md): for audits and measurements.',
  },
  versionsBytes: {
    env: 'PROOFS_VERSIONS_BYTES',
    key: 'versionsBytes',
    fallback: '4294967296',
    meaning: 'Bytes of one version of an artifact, at most.',
  },
  versionsArtifacts: {
    env: 'PROOFS_VERSIONS_ARTIFACTS',
    key: 'versionsArtifacts',
    fallback: '10000',
    meaning: 'Versioned artifacts, at most.',
  },
  versionsCount: {
    env: 'PROOFS_VERSIONS_COUNT',
    key: 'versionsCount',
    fallback: '100000',
    meaning: 'Versions of all artifacts together, at most; each takes about a kilobyte of memory.',
  },
  versionsKeep: {
    env: 'PROOFS_VERSIONS_KEEP',
    key: 'versionsKeep',
    fallback: 'all',
    meaning:
      'Versions of an artifact whose contents are kept: `all`, or a number from 2 on. Records of all versions stay; pins and legal holds keep contents too.',
  },
  logLevel: {
    env: 'PROOFS_LOG_LEVEL',
    key: 'logLevel',
    fallback: 'info',
    meaning: 'Own log on standard error: trace, debug, info, warn, error, fatal or silent.',
  },
  config: {
    env: 'PROOFS_CONFIG',
    key: undefined,
    fallback: 'none',
    meaning: 'YAML file with any of the keys of this table; the environment wins over it.',
  },
} as const satisfies Record<string, Setting>;

/** docs/config.md */
export function settingsMarkdown(): string {
  const rows = Object.values<Setting>(SETTINGS).map(
    (setting) =>
      `| \`${setting.env}\` | ${setting.key === undefined ? '–' : `\`${setting.key}\``} | \`${setting.fallback}\` | ${setting.meaning} |`,
  );
  return [
    '# Settings',
    '',
    'From environment variables, or from one YAML file named by `PROOFS_CONFIG`. An empty variable counts as unset. All faults are reported at once and nothing starts.',
    '',
    '| variable | YAML key | default | meaning |',
    '| --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}
