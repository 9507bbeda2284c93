import { byId, button, el } from './dom.ts';
import type { Verdict } from './check.ts';
import type { Store, View } from './store.ts';
import { formatCount, formatPercent } from './time-format.ts';

const MARKS = { good: '✓', bad: '✗', unchecked: '–' } as const;

/** The verdict of the page's own checks, always in sight; a click shows each check and what could not be checked. */
export function mountBadge(store: Store): void {
  const host = byId('badge');
  const dialog = byId('report') as HTMLDialogElement;
  host.addEventListener('click', () => {
    fillReport(dialog, store.view);
    dialog.showModal();
  });
  store.subscribe((view) => {
    const { verdict } = view;
    const [title, note] = verdict === undefined ? [`Verifying… ${formatPercent(view.checkedShare, 1)}`, ''] : badgeText(verdict);
    host.dataset['state'] = verdict?.state ?? 'pending';
    byId('badge-title').textContent = title;
    byId('badge-note').textContent = note;
    byId('alarm').hidden = verdict?.state !== 'bad';
    if (verdict?.state === 'bad') byId('alarm').textContent = alarmText(verdict);
  });
}

function badgeText(verdict: Verdict): [title: string, note: string] {
  const counts = `${formatCount(verdict.good)} of ${formatCount(verdict.total)} entries`;
  if (verdict.state === 'good') return [`Verified here: ${counts}, signature good`, `key not pinned: compare ${verdict.keyId ?? '?'}`];
  if (verdict.state === 'partial') return [`Entries match: ${counts}`, 'signature not checked by this browser'];
  if (verdict.firstDamagedSeq !== undefined) return [`Damaged: entry ${formatCount(verdict.firstDamagedSeq)}`, `${counts} proved`];
  return ['Verification failed', `${counts} proved`];
}

function alarmText(verdict: Verdict): string {
  const bad = verdict.stages.filter((stage) => stage.outcome === 'bad');
  return `Do not rely on this page. ${bad.map((stage) => `${stage.label}: ${stage.text}.`).join(' ')}`;
}

function fillReport(dialog: HTMLDialogElement, view: View): void {
  const { verdict, envelope } = view;
  const list = el('ul', { class: 'stages' });
  for (const { label, outcome, text } of verdict?.stages ?? []) {
    list.append(
      el(
        'li',
        { attrs: { 'data-outcome': outcome } },
        el('span', { class: 'stage-mark', text: MARKS[outcome] }),
        el('b', { text: label }),
        el('span', { text }),
      ),
    );
  }
  const lead = verdict === undefined ? 'The checks are still running.' : 'Recomputed in this browser, from the entries in this file:';
  dialog.replaceChildren(
    el(
      'div',
      { class: 'dialog-bar' },
      el('h2', { text: 'Verification' }),
      el('span', { class: 'grow' }),
      button('✕', () => dialog.close(), { 'aria-label': 'Close' }, 'button icon'),
    ),
    el('p', { text: lead }),
    list,
    el('h3', { text: 'Checkpoint' }),
    el('pre', { class: 'block', text: envelope.head.checkpoint }),
    el('h3', { text: 'Verifier key' }),
    el('pre', { class: 'block', text: envelope.head.verifierKey }),
    el('p', { class: 'quiet', text: `Ledger ${envelope.head.ledgerId} · made by ${envelope.head.toolVersion}` }),
  );
}
