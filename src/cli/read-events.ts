/** A line of a stream of ours has a record; a longer one is from somebody else. */
const LINE_CHARS_MAX = 64 * 1024;

export interface ServerEvent {
  readonly event: string;
  readonly data: string;
}

/** Server-sent events (WHATWG HTML, section 9.2.6), those that arrived together at a time: whoever wants the newest takes the last. */
export async function* readEvents(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<readonly ServerEvent[]> {
  const decoder = new TextDecoder();
  let rest = '';
  let event = '';
  let data: string[] = [];
  for await (const chunk of chunks) {
    const lines = `${rest}${decoder.decode(chunk, { stream: true })}`.split(/\r?\n/);
    rest = lines.pop() ?? '';
    if (rest.length > LINE_CHARS_MAX || data.join('').length > LINE_CHARS_MAX)
      throw new RangeError('the stream of events has an endless line');
    const events: ServerEvent[] = [];
    for (const line of lines) {
      if (line === '') {
        if (data.length > 0) events.push({ event, data: data.join('\n') });
        [event, data] = ['', []];
        continue;
      }
      const [, field, value] = /^([^:]*):? ?(.*)$/.exec(line) ?? [];
      if (field === 'event') event = value;
      else if (field === 'data') data.push(value);
    }
    if (events.length > 0) yield events;
  }
}
