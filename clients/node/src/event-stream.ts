const MAX_EVENT_LENGTH = 1024 * 1024;

/** Parses server-sent events (WHATWG HTML, §9.2.6) in bounded memory. */
export class EventStreamParser {
  readonly #decoder = new TextDecoder();
  #line = '';
  #name = '';
  #data: string[] = [];
  #length = 0;
  #afterCr = false;

  /** The events that `chunk` completes: name and data. Throws if one is too long. */
  *feed(chunk: Uint8Array): Generator<[name: string, data: string]> {
    let text = this.#decoder.decode(chunk, { stream: true });
    if (text === '') return;
    if (this.#afterCr && text.startsWith('\n')) text = text.slice(1);
    this.#afterCr = text.endsWith('\r');
    const lines = (this.#line + text).split(/\r\n|\n|\r/);
    this.#line = lines.pop() ?? '';
    for (const line of lines) {
      this.#addLength(line);
      if (line === '') {
        if (this.#data.length > 0) yield [this.#name, this.#data.join('\n')];
        [this.#name, this.#data, this.#length] = ['', [], 0];
        continue;
      }
      const [, field, value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
      if (field === 'event') this.#name = value;
      if (field === 'data') this.#data.push(value);
    }
    this.#addLength('');
  }

  #addLength(line: string): void {
    this.#length += line.length;
    if (this.#length + this.#line.length > MAX_EVENT_LENGTH) throw new Error('an event is longer than 1 MiB');
  }
}
