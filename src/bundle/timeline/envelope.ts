/**
 * What the page carries: one line of JSON about the bundle, then the edge lines, then the event lines, all as raw text, so that
 * entries are embedded verbatim and compress like the log they are. Shared by the renderer and the page.
 */
import type { TimelineInput } from '../timeline-input.ts';

export interface EnvelopeHead extends Omit<TimelineInput, 'edgesNdjson' | 'eventsNdjson'> {
  readonly edgeLines: number;
}

export interface Envelope {
  readonly head: EnvelopeHead;
  readonly edges: readonly string[];
  readonly events: readonly string[];
}

export function toEnvelope(input: TimelineInput): string {
  const { edgesNdjson, eventsNdjson, ...rest } = input;
  const edges = linesOf(edgesNdjson);
  const head: EnvelopeHead = {
    origin: rest.origin,
    ledgerId: rest.ledgerId,
    verifierKey: rest.verifierKey,
    from: rest.from,
    to: rest.to,
    checkpoint: rest.checkpoint,
    proof: { first: rest.proof.first, size: rest.proof.size, hashes: rest.proof.hashes },
    toolVersion: rest.toolVersion,
    edgeLines: edges.length,
  };
  return [JSON.stringify(head), ...edges, ...linesOf(eventsNdjson)].join('\n');
}

/** Reads what toEnvelope wrote; throws when the first line is not JSON. */
export function fromEnvelope(text: string): Envelope {
  const [first, ...lines] = text.split('\n');
  const head = JSON.parse(first) as EnvelopeHead;
  return { head, edges: lines.slice(0, head.edgeLines), events: lines.slice(head.edgeLines) };
}

function linesOf(ndjson: string): string[] {
  return ndjson.split('\n').filter((line) => line !== '');
}
