/** The largest batch that a body may hold. */
const BATCH_EVENTS_MAX = 10_000;

/** Posts that many events, the last batches in order; `bytes` is the length of each message's padding. */
export async function postEvents(url: string, events: number, label: string, paddingBytes = 0): Promise<void> {
  const padding = paddingBytes === 0 ? '' : ` ${'x'.repeat(paddingBytes)}`;
  // 8 MiB is the largest body.
  const perBatch = Math.max(1, Math.min(BATCH_EVENTS_MAX, Math.floor(6_000_000 / (80 + label.length + paddingBytes))));
  for (let sent = 0; sent < events;) {
    const count = Math.min(perBatch, events - sent);
    const lines = Array.from({ length: count }, (_, index) => `{"level":"info","message":"${label} ${sent + index}${padding}"}\n`);
    const response = await fetch(`${url}/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: lines.join(''),
    });
    if (response.status !== 201) throw new Error(`POST /events answered ${response.status}: ${await response.text()}`);
    await response.body?.cancel();
    sent += count;
  }
}
