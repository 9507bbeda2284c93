import { fromEnvelope, type Envelope } from '../envelope.ts';
import { mountBadge } from './badge.ts';
import { mountChart } from './chart.ts';
import { checkEnvelope, edgesBefore } from './check.ts';
import { mountDetail } from './detail.ts';
import { byId } from './dom.ts';
import { mountFacets } from './facets.ts';
import { mountHeader, mountSettings } from './header.ts';
import { mountKeyboard } from './keyboard.ts';
import { buildLogIndex } from './log-index.ts';
import { Store } from './store.ts';
import { hasColumn, mountTable } from './table.ts';
import { formatPercent } from './time-format.ts';
import { mountChartBar, mountFilters, mountLegend } from './toolbar.ts';

/** Reads the embedded block: base64 of raw deflate. */
async function readEnvelope(): Promise<Envelope> {
  const binary = atob((byId('data').textContent ?? '').trim());
  // Many megabytes: a plain loop is several times faster than Uint8Array.from with a callback.
  const packed = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) packed[i] = binary.charCodeAt(i);
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
  return fromEnvelope(await new Response(stream).text());
}

async function start(): Promise<void> {
  const loading = byId('loading');
  const envelope = await readEnvelope();
  const { head } = envelope;
  document.title = `Incident timeline ${head.from} to ${head.to}, ${head.origin}`;
  const firstSeq = head.proof.first + edgesBefore(envelope);
  const log = await buildLogIndex(envelope.events, firstSeq, (done, total) => {
    loading.textContent = `Reading the log… ${formatPercent(done, total)}`;
  });
  const store = new Store(log, envelope);
  loading.remove();
  byId('app').hidden = false;
  byId('made-by').textContent = `post-incident-proofs ${head.toolVersion}`;
  byId('ledger-id').textContent = head.ledgerId;
  for (const dimension of ['level', 'tenant', 'source'] as const)
    document.body.classList.toggle(`has-${dimension}`, hasColumn(store.view, dimension));
  mountHeader(store);
  mountChartBar(store);
  mountLegend(store);
  mountChart(store);
  mountFilters(store);
  mountFacets(store);
  mountTable(store);
  mountDetail(store);
  mountBadge(store);
  mountSettings(store, mountKeyboard(store));
  const verdict = await checkEnvelope(envelope, (done, total) => {
    // In tenths: whoever listens to a screen reader must not hear every percent.
    const checkedShare = Math.floor((done / Math.max(1, total)) * 10) / 10;
    if (checkedShare !== store.view.checkedShare) store.update({ checkedShare });
  });
  store.update({ verdict, checkedShare: 1 });
}

start().catch((error: unknown) => {
  byId('loading').textContent = `This page cannot show its data: ${error instanceof Error ? error.message : String(error)}`;
  document.body.dataset['failed'] = 'true';
});
