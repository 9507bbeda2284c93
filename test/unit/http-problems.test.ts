import fastify from 'fastify';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { AnchorError, type AnchorErrorCode } from '../../src/anchor/anchor-error.ts';
import { BundleError } from '../../src/bundle/bundle-error.ts';
import { HttpError } from '../../src/http/http-error.ts';
import { registerProblems, toProblem } from '../../src/http/plugins/problems.ts';
import { ERROR_CODES, errorsMarkdown, isErrorCode, type ErrorCode, type ErrorEntry } from '../../src/kernel/error-codes.ts';
import { CodedError } from '../../src/kernel/errors.ts';
import { LedgerError, type LedgerErrorCode } from '../../src/ledger/ledger-error.ts';
import { Observer } from '../../src/observe/observer.ts';
import { VersionsError, type VersionsErrorCode } from '../../src/versions/versions-error.ts';

const ENTRIES = Object.entries<ErrorEntry>(ERROR_CODES).map(([code, entry]) => ({ code, entry }));
const ANSWERED = ENTRIES.filter(({ entry }) => entry.status !== undefined);

/** Every code of the unions: a missing or surplus key does not compile. */
const LEDGER_CODES: Record<LedgerErrorCode, true> = {
  'queue-full': true,
  'disk-full': true,
  'key-reused': true,
  closed: true,
  failed: true,
  locked: true,
  truncated: true,
  tampered: true,
  pruned: true,
  forked: true,
  'rolled-back': true,
  'state-lost': true,
  'key-mismatch': true,
  'bad-key': true,
  'bad-anchor': true,
  io: true,
};
const ANCHOR_CODES: Record<AnchorErrorCode, true> = {
  'bad-config': true,
  'bad-key': true,
  unanchored: true,
  'invalid-request': true,
  'not-found': true,
  'bad-signature': true,
  'bad-proof': true,
  busy: true,
  io: true,
};
const BUNDLE_CODES: Record<BundleError['code'], true> = { 'bad-window': true, 'window-in-future': true, 'too-large': true, busy: true };
const VERSIONS_CODES: Record<VersionsErrorCode, true> = {
  'not-found': true,
  'precondition-required': true,
  'version-conflict': true,
  'version-held': true,
  'version-gone': true,
  'version-damaged': true,
  'version-limit': true,
  'version-io': true,
  'not-confirmable': true,
  'key-reused': true,
  'too-large': true,
  'disk-full': true,
  busy: true,
  closed: true,
};

/** An app whose only route throws `error`; answers what a client sees and what the log says. */
async function answerTo(error: unknown) {
  const log: string[] = [];
  const app = fastify({ logger: false, genReqId: () => crypto.randomUUID() });
  const observer = new Observer(pino({ level: 'debug' }, { write: (line: string) => void log.push(line) }), '0.0.0');
  registerProblems(app, observer);
  app.get('/', () => {
    throw error;
  });
  const { statusCode, headers, body } = await app.inject('/');
  await app.close();
  return { statusCode, headers, json: JSON.parse(body) as Record<string, unknown>, log: log.join('') };
}

describe('the table of errors', () => {
  it('knows every code that the rooms can throw', () => {
    for (const code of [LEDGER_CODES, BUNDLE_CODES, ANCHOR_CODES, VERSIONS_CODES].flatMap((codes) => Object.keys(codes)))
      expect(isErrorCode(code), code).toBe(true);
  });

  it('gives every code a status or an exit code, a title and an advice', () => {
    for (const { code, entry } of ENTRIES) {
      expect(entry.status ?? entry.exit, code).toBeTypeOf('number');
      expect(entry.title, code).toMatch(/^\S.*[^.]$/);
      expect(entry.advice, code).toMatch(/\.$|`$/);
      if (entry.status !== undefined) expect(entry.status >= 400 && entry.status < 600, code).toBe(true);
      // 1 is what Node exits with when it crashes.
      if (entry.exit !== undefined) expect(entry.exit, code).toBeGreaterThan(1);
    }
  });

  it('is docs/errors.md, row by row', () => {
    const rows = errorsMarkdown()
      .split('\n')
      .filter((line) => line.startsWith('| `'));
    expect(rows.map((row) => /^\| `([^`]+)`/.exec(row)?.[1])).toEqual(ENTRIES.map(({ code }) => code));
    for (const [i, { entry }] of ENTRIES.entries()) {
      const cells = rows[i].split('|').map((cell) => cell.trim());
      expect(cells.slice(2, 6)).toEqual([String(entry.status ?? ''), String(entry.exit ?? ''), entry.title, entry.advice]);
    }
  });
});

describe('a refused request', () => {
  it.each(ANSWERED)('answers $code as problem details', async ({ code, entry }) => {
    const { statusCode, headers, json } = await answerTo(new HttpError(code as ErrorCode, 'what happened'));
    expect(statusCode).toBe(entry.status);
    expect(headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(json).toEqual({
      type: `urn:post-incident-proofs:error:${code}`,
      title: entry.title,
      status: entry.status,
      detail: 'what happened',
      advice: entry.advice,
      instance: expect.stringMatching(/^urn:uuid:[0-9a-f]{8}-[0-9a-f-]{27}$/),
    });
    expect(headers['retry-after']).toEqual(entry.status === 503 || entry.status === 507 ? expect.stringMatching(/^[1-9]\d*$/) : undefined);
    expect(headers['www-authenticate']).toBe(entry.status === 401 ? 'Bearer' : undefined);
  });

  it.each(ANSWERED.filter(({ code }) => code in LEDGER_CODES))('answers $code of the ledger as the table says', async ({ code, entry }) => {
    const { statusCode, json } = await answerTo(new LedgerError(code as LedgerErrorCode, 'from the ledger'));
    expect({ statusCode, detail: json.detail }).toEqual({ statusCode: entry.status, detail: 'from the ledger' });
  });

  it.each(ANSWERED.filter(({ code }) => code in ANCHOR_CODES))(
    'answers $code of the anchors as the table says',
    async ({ code, entry }) => {
      const { statusCode, json } = await answerTo(new AnchorError(code as AnchorErrorCode, 'from the anchors'));
      expect({ statusCode, detail: json.detail }).toEqual({ statusCode: entry.status, detail: 'from the anchors' });
    },
  );

  it.each(ANSWERED.filter(({ code }) => code in BUNDLE_CODES))('answers $code of the bundle as the table says', async ({ code, entry }) => {
    const { statusCode, json } = await answerTo(new BundleError(code as BundleError['code'], 'from the bundle'));
    expect({ statusCode, detail: json.detail }).toEqual({ statusCode: entry.status, detail: 'from the bundle' });
  });

  it.each(ANSWERED.filter(({ code }) => code in VERSIONS_CODES))(
    'answers $code of the versions as the table says, with the head where it is known',
    async ({ code, entry }) => {
      const [version, sha256] = [7, 'ab'.repeat(32)];
      const details = { current: { version, sha256 } };
      const { statusCode, headers, json } = await answerTo(new VersionsError(code as VersionsErrorCode, 'from the versions', { details }));
      expect({ statusCode, detail: json.detail }).toEqual({ statusCode: entry.status, detail: 'from the versions' });
      expect(json.current).toEqual({ version, sha256, etag: `"7-${sha256}"` });
      expect(headers.etag).toBe(`"7-${sha256}"`);
      expect((await answerTo(new VersionsError(code as VersionsErrorCode, 'no head'))).json).not.toHaveProperty('current');
    },
  );

  it('lists its faults', async () => {
    const faults = [{ line: 2, field: 'message', reason: 'is missing' }];
    const { json } = await answerTo(new HttpError('invalid-events', 'd', { faults, faultsTotal: 7 }));
    expect(json).toMatchObject({ faults, faultsTotal: 7 });
  });
});

describe('an error that nobody foresaw', () => {
  it.each([
    ['an error', new Error('the password is hunter2')],
    ['a code without a status', new CodedError('locked', 'the password is hunter2')],
    ['a code of nobody', new CodedError('made-up', 'the password is hunter2')],
    ['a system error', Object.assign(new Error('the password is hunter2'), { code: 'EACCES' })],
  ])('is a 500 that gives nothing away, and its request id finds it in the log: %s', async (_case, error) => {
    const { statusCode, json, log } = await answerTo(error);
    expect({ statusCode, type: json.type }).toEqual({ statusCode: 500, type: 'urn:post-incident-proofs:error:internal' });
    expect(JSON.stringify(json)).not.toContain('hunter2');
    expect(log).toContain('hunter2');
    expect(log).toContain(String(json.instance).replace('urn:uuid:', ''));
  });
});

it('keeps the query of a malformed address out of the answer', () => {
  const error = Object.assign(new Error("'/%zz?token=TOPSECRET' is not a valid url component"), {
    code: 'FST_ERR_BAD_URL',
    statusCode: 400,
  });
  expect(toProblem(error)).toEqual({ code: 'invalid-request', detail: 'the address is not valid percent-encoding' });
});
