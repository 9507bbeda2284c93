/** Every error a user can meet, once: HTTP answers, exit codes and docs/errors.md come from this table. */
export interface ErrorEntry {
  /** HTTP status, where a request can meet it. */
  readonly status?: number;
  /** Exit code, where a start or a command can meet it. */
  readonly exit?: number;
  readonly title: string;
  /** What to do. */
  readonly advice: string;
}

export const ERROR_CODES = {
  'invalid-events': {
    status: 400,
    title: 'events are invalid',
    advice: 'Mend the faults listed; nothing was stored. `?onInvalid=skip` takes the good lines.',
  },
  'invalid-request': { status: 400, title: 'the request is invalid', advice: 'Mend the faults listed.' },
  'bad-window': {
    status: 400,
    exit: 2,
    title: 'the window cannot be read',
    advice: 'Mend the faults named: `24h`, or two RFC 3339 times; the ledger must have begun before its end.',
  },
  'window-in-future': {
    status: 400,
    exit: 2,
    title: 'the window is not over yet',
    advice: 'Ask again when it has ended, or for a window that ends now.',
  },
  incomplete: {
    status: 400,
    title: 'the connection ended before the request did',
    advice: 'Send the whole request again; nothing was stored.',
  },
  unauthorized: {
    status: 401,
    title: 'a bearer token is needed',
    advice: 'Send `Authorization: Bearer TOKEN` with the token of PROOFS_TOKENS_FILE.',
  },
  'bad-signature': {
    status: 403,
    title: 'no trusted key signed this checkpoint',
    advice: 'Give the witness the verifier key of the log (PROOFS_WITNESS_LOGS_FILE).',
  },
  'not-found': { status: 404, title: 'not found', advice: 'See /docs for the routes.' },
  'not-confirmable': {
    status: 409,
    title: 'nothing waits to be confirmed',
    advice: 'Look at `GET /versions/NAME`: the head was confirmed already, or the version before it is back.',
  },
  'version-limit': {
    status: 409,
    title: 'no more versions or artifacts are taken',
    advice: 'The message names the setting that says how many (docs/config.md).',
  },
  'version-gone': {
    status: 410,
    title: 'retention removed the content of this version',
    advice: 'Its record stays. Pin the versions that must remain, or put the artifact under a legal hold.',
  },
  pruned: {
    status: 410,
    exit: 70,
    title: 'retention removed these entries',
    advice: 'Read them from the archive that the detail names; proofs of all other entries go on holding.',
  },
  timeout: {
    status: 408,
    title: 'the request came too slowly',
    advice: 'Send the whole request within 30 seconds, and the content of a version at 2 KiB a second or more; nothing was stored.',
  },
  'version-conflict': {
    status: 412,
    title: 'the head is another version',
    advice: 'Look at the head that `current` names, and ask again with its ETag in If-Match if the change is still right.',
  },
  'too-large': {
    status: 413,
    title: 'too large',
    advice:
      'A body may have 8 MiB and 10,000 events, a bundle 5,000,000 bytes, a version what the settings allow (docs/config.md): send less, or ask for a shorter window.',
  },
  'unsupported-media-type': {
    status: 415,
    title: 'unsupported media type',
    advice: 'Send application/json, or events as application/x-ndjson, one a line; only the content of a version is taken under any type.',
  },
  'bad-range': {
    status: 416,
    title: 'the content has no such bytes',
    advice: 'Content-Range says how many bytes there are.',
  },
  'key-reused': {
    status: 422,
    title: 'Idempotency-Key used for another request',
    advice: 'Use a new key for each new request, and the old one only for the very same bytes.',
  },
  'bad-proof': {
    status: 422,
    title: 'the consistency proof does not hold',
    advice: 'The log is not a continuation of what this witness cosigned before: find out why before anything else.',
  },
  'version-held': {
    status: 423,
    title: 'a hold refuses changes',
    advice: 'Find out why it was set (`GET /versions/NAME`), and release it with `DELETE /versions/NAME/hold`.',
  },
  'precondition-required': {
    status: 428,
    title: 'the version that is to be changed must be named',
    advice: 'Send If-Match with the ETag of the head, or `If-None-Match: *` for the first version.',
  },
  'headers-too-large': { status: 431, title: 'the header is too large', advice: 'Send at most 16 KiB of header lines.' },
  internal: { status: 500, title: 'internal error', advice: "A fault of ours; the sidecar's log has the details under the request id." },
  'version-damaged': {
    status: 500,
    exit: 31,
    title: 'stored bytes of a version are not those that were put',
    advice:
      'Nothing of it is handed out. The message names the place: keep it as evidence, run `pproofs versions verify NAME`, restore from a copy.',
  },
  'version-io': {
    status: 500,
    exit: 70,
    title: 'the disk of the versions failed',
    advice: 'See the reason in the message; what was asked for did not happen, unless it says that it may have.',
  },
  io: { status: 500, exit: 70, title: 'the ledger could not be read', advice: 'Run `pproofs log verify`.' },
  unanchored: {
    status: 503,
    title: 'the checkpoint lock cannot be reached',
    advice: 'Try again after the seconds in Retry-After; without `receipt` events are taken all the same.',
  },
  'queue-full': { status: 503, title: 'too much is waiting for the disk', advice: 'Try again after the seconds in Retry-After.' },
  busy: {
    status: 503,
    title: 'too many bundles are being built, or too much is being read, sent, watched or cosigned',
    advice: 'Try again after the seconds in Retry-After.',
  },
  closed: { status: 503, title: 'shutting down', advice: 'Try again; nothing of this request was stored.' },
  failed: {
    status: 503,
    exit: 70,
    title: 'the ledger writer has failed',
    advice:
      'The process ends; start it again, recovery is the normal start. The fate of requests in flight is unknown: retry them with their Idempotency-Key.',
  },
  'disk-full': { status: 507, title: 'the disk is full', advice: 'Free space and try again; nothing of this request was stored.' },
  'bad-config': { exit: 2, title: 'a setting is wrong', advice: 'Mend the faults listed; see docs/config.md.' },
  'bad-limits': {
    exit: 2,
    title: 'the limits file is wrong',
    advice: 'Mend the faults listed; `pproofs limits validate FILE` shows them too.',
  },
  'bad-anchor': { exit: 2, title: 'the anchor does not fit', advice: 'Give a checkpoint of this very ledger.' },
  truncated: {
    exit: 30,
    title: 'the ledger ends too early',
    advice:
      'Entries that were acknowledged or signed are missing. Keep the folder as evidence, run `pproofs log verify`, restore from a copy.',
  },
  tampered: {
    exit: 31,
    title: 'the ledger was changed',
    advice: 'Keep the folder as evidence, run `pproofs log verify` for every changed place, restore from a copy.',
  },
  forked: {
    exit: 32,
    title: 'the checkpoint lock contradicts the ledger',
    advice: 'Two histories of this ledger exist. Keep both as evidence, run `pproofs log verify --anchor FILE` with the note in the lock.',
  },
  'rolled-back': {
    exit: 33,
    title: 'the ledger is older than its checkpoint lock',
    advice: 'The data folder was put back to an earlier state. Keep it as evidence and restore the newest copy.',
  },
  'state-lost': {
    exit: 33,
    title: 'no readable watermark',
    advice: 'Start once with `--anchor FILE`, a checkpoint of this ledger that you kept elsewhere.',
  },
  'key-mismatch': {
    exit: 34,
    title: 'these keys did not write this ledger',
    advice: 'Put back the keys the ledger was made with, or choose another data folder.',
  },
  'archive-conflict': {
    exit: 32,
    title: 'the archive is not an earlier state of this ledger',
    advice:
      'Keep both as evidence and run `pproofs log verify` on each: one of them was rolled back, changed, or belongs to another ledger.',
  },
  'archive-unreachable': {
    exit: 70,
    title: 'the archive cannot be read or written',
    advice: 'See the reason in the message; what is archived already stays, and the next attempt goes on from there.',
  },
  'bad-key': { exit: 70, title: 'a key file cannot be used', advice: 'The message names the file and the fault.' },
  locked: { exit: 70, title: 'another process writes this ledger', advice: 'Stop it, or choose another PROOFS_DATA_DIR.' },
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof ERROR_CODES;

export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_CODES, code);
}

/** docs/errors.md */
export function errorsMarkdown(): string {
  const rows = Object.entries<ErrorEntry>(ERROR_CODES).map(
    ([code, entry]) => `| \`${code}\` | ${entry.status ?? ''} | ${entry.exit ?? ''} | ${entry.title} | ${entry.advice} |`,
  );
  return [
    '# Errors',
    '',
    'Answers are `application/problem+json` (RFC 9457); `type` is `urn:post-incident-proofs:error:CODE`. Where many things are wrong, `faults` lists them all.',
    '',
    '| code | HTTP status | exit code | meaning | what to do |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}
