import { describe, expect, it } from 'vitest';
import { assembleBundle } from '../../src/bundle/assemble.ts';
import { BundleError } from '../../src/bundle/bundle-error.ts';
import { BUNDLE_BYTES_MAX, PATHS } from '../../src/bundle/format.ts';
import { renderPage } from '../../src/bundle/render-page.ts';
import type { TimelineInput } from '../../src/bundle/timeline-input.ts';
import { renderTimeline } from '../../src/bundle/timeline/render-timeline.ts';
import { LEAF_TYPES, leafTypeName } from '../../src/kernel/leaf.ts';
import { batchOf, MemoryLedger } from '../support/memory-ledger.ts';
import { makeFixture, msToNs, START_MS, textOf, unpack, type Fixture } from '../support/bundle-fixture.ts';
import { randomBytes } from 'node:crypto';
import { verifyBundle } from '../../src/verify/bundle-verify.ts';

async function typesFrom({ ledger }: Fixture, first: number): Promise<(string | undefined)[]> {
  const types: (string | undefined)[] = [];
  for await (const leaf of ledger.leaves(first, Infinity)) types.push(leafTypeName(leaf.type));
  return types;
}

const seqs = (ndjson: string): number[] =>
  ndjson
    .trimEnd()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => (JSON.parse(line) as { seq: number }).seq);

async function refusal(attempt: Promise<unknown>): Promise<BundleError> {
  const error: unknown = await attempt.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof BundleError) return error;
  throw new Error('not refused', { cause: error });
}

describe('assembleBundle', () => {
  it('takes from ≤ time < to, with the entry before and after as edges', async () => {
    const fixture = await makeFixture(20);
    const files = unpack((await fixture.bundle(300, 900)).bytes);
    expect(seqs(textOf(files, PATHS.events))).toEqual([3, 4, 5, 6, 7, 8]);
    expect(seqs(textOf(files, PATHS.edges))).toEqual([2, 9]);
    expect(textOf(files, PATHS.checkpoint).split('\n')[1]).toBe('10');
  });

  it('has no edge before the genesis entry', async () => {
    const fixture = await makeFixture(5);
    const files = unpack((await fixture.bundle(-1000, 200)).bytes);
    expect(seqs(textOf(files, PATHS.events))).toEqual([0, 1]);
    expect(seqs(textOf(files, PATHS.edges))).toEqual([2]);
  });

  it('proves an empty window with its two edges', async () => {
    const fixture = await makeFixture(5);
    const bundle = await fixture.bundle(210, 290);
    expect(bundle.window).toMatchObject({ first: 3, last: 2, entries: 0 });
    expect(seqs(textOf(unpack(bundle.bytes), PATHS.edges))).toEqual([2, 3]);
    expect(verifyBundle({ bytes: bundle.bytes }).verdict).toBe('OK_UNANCHORED');
  });

  it('closes a window that nothing follows with a heartbeat, once', async () => {
    const fixture = await makeFixture(5);
    const first = await fixture.bundle(0, 550);
    expect(await typesFrom(fixture, 6)).toEqual(['heartbeat', 'bundle']);
    await fixture.bundle(0, 550);
    expect(await typesFrom(fixture, 6)).toEqual(['heartbeat', 'bundle']);
    expect(first.window.last).toBe(5);
  });

  it('gives the same bytes for the same closed window, whatever came after it', async () => {
    const fixture = await makeFixture(30);
    const first = await fixture.bundle(100, 2000);
    fixture.advance(5000);
    await fixture.ledger.append({ events: batchOf({ message: 'later' }) });
    const second = await fixture.bundle(100, 2000);
    expect(second.sha256).toBe(first.sha256);
    expect(Buffer.compare(first.bytes, second.bytes)).toBe(0);
  });

  it('records each distinct digest once, outside of the bundle', async () => {
    const fixture = await makeFixture(10);
    const bundle = await fixture.bundle(0, 500);
    await fixture.bundle(0, 500);
    await fixture.bundle(0, 600);
    const records: unknown[] = [];
    for await (const leaf of fixture.ledger.leaves(0, Infinity))
      if (leaf.type === LEAF_TYPES.bundle) records.push(JSON.parse(Buffer.from(leaf.payload).toString()));
    expect(records).toHaveLength(2);
    expect(records[0]).toEqual({ bytes: bundle.bytes.length, from: bundle.window.from, sha256: bundle.sha256, to: bundle.window.to });
  });

  it('finds the record in the ledger when the process has forgotten it', async () => {
    const fixture = await makeFixture(10);
    await fixture.bundle(0, 500);
    const { size } = fixture.ledger.head();
    // The same ledger behind another port object, as after a restart.
    const reopened = Object.create(fixture.ledger, { identity: { value: fixture.ledger.identity } }) as MemoryLedger;
    for (const name of ['head', 'leaves', 'firstAtOrAfter', 'rootAt', 'rangeProof', 'append', 'signCheckpoint', 'sign'] as const) {
      Object.defineProperty(reopened, name, { value: fixture.ledger[name].bind(fixture.ledger) });
    }
    await assembleBundle(reopened, { fromNs: msToNs(START_MS), toNs: msToNs(START_MS + 500) }, { toolVersion: '0.0.0-test' });
    expect(fixture.ledger.head().size).toBe(size);
  });

  it('refuses a window that is not over', async () => {
    const fixture = await makeFixture(5);
    const { size } = fixture.ledger.head();
    expect(await refusal(fixture.bundle(0, 60_000))).toMatchObject({ code: 'window-in-future' });
    expect(fixture.ledger.head().size).toBe(size);
  });

  it('waits for the end of the running millisecond', async () => {
    const fixture = await makeFixture(5);
    const bundle = await fixture.bundle(0, fixture.nowMs() - START_MS + 1);
    expect(bundle.entries).toBe(6);
  });

  it('refuses a window that ends before the ledger began', async () => {
    const fixture = await makeFixture(5);
    expect(await refusal(fixture.bundle(-500, 0))).toMatchObject({ code: 'bad-window' });
  });

  it('refuses what does not fit, and names a window that does', async () => {
    let nowMs = START_MS;
    const ledger = new MemoryLedger({ clock: () => msToNs(nowMs) });
    for (let i = 0; i < 60; i++) {
      nowMs += 1000;
      await ledger.append({ events: batchOf({ message: randomBytes(45_000).toString('base64') }) });
    }
    nowMs += 1000;
    const error = await refusal(assembleBundle(ledger, { fromNs: msToNs(START_MS), toNs: msToNs(nowMs) }, { clock: () => msToNs(nowMs) }));
    expect(error.code).toBe('too-large');
    expect(error.message).toContain('61 entries');
    const { fitting } = error;
    expect(fitting?.entries).toBeGreaterThan(20);
    const window = { fromNs: msToNs(Date.parse(fitting?.from ?? '')), toNs: msToNs(Date.parse(fitting?.to ?? '')) };
    const bundle = await assembleBundle(ledger, window);
    expect({ entries: bundle.entries, bytes: bundle.bytes.length }).toEqual({ entries: fitting?.entries, bytes: fitting?.bytes });
    expect(bundle.bytes.length).toBeLessThanOrEqual(BUNDLE_BYTES_MAX);
  });

  it('draws large timelines in a thread, with the same page as in place', async () => {
    const { bytes } = await (await makeFixture(3)).bundle(0, 250);
    const line = textOf(unpack(bytes), PATHS.events).split('\n')[1];
    const input: TimelineInput = {
      origin: 'o',
      ledgerId: '00'.repeat(16),
      verifierKey: 'k',
      from: '2026-01-02T03:04:05.000000000Z',
      to: '2026-01-02T03:04:06.000000000Z',
      checkpoint: 'c',
      proof: { first: 0, size: 1, hashes: [] },
      edgesNdjson: '',
      eventsNdjson: `${line}\n`.repeat(2000),
      toolVersion: '0.0.0-test',
    };
    expect(input.eventsNdjson.length).toBeGreaterThan(262_144);
    expect(await renderPage(input)).toBe(renderTimeline(input));
  });

  it('refuses more builds than may wait', async () => {
    const fixture = await makeFixture(5);
    const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => fixture.bundle(0, 300)));
    const refused = outcomes.filter(({ status }) => status === 'rejected');
    expect(refused).toHaveLength(11);
    for (const outcome of refused) expect(outcome).toMatchObject({ reason: { code: 'busy' } });
  });
});
