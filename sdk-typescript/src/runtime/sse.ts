/**
 * Bytes in, server-sent events out, by the WHATWG rules. Start at `SseDecoder.feed`.
 *
 * Lines end in LF, CR or CRLF; a leading byte order mark is skipped; an event without its blank line is dropped; bytes that
 * are not UTF-8 become U+FFFD, and the event is marked.
 *
 * **Invariant:** the events do not depend on where the bytes were split.
 *
 * Not here: reconnecting. A chat's stream cannot be resumed, so `retry` is ignored.
 */

/** `event` is `message` where the stream names none; `id` is the last one, which lasts until another is set. */
export interface SseEvent {
  event: string;
  data: string;
  id: string;
  /** U+FFFD in `data` may stand for bytes that were not UTF-8. */
  broken: boolean;
}

/** An event grew beyond the limit. */
export class TooLarge extends Error {}

const REPLACEMENT = '\ufffd';

export class SseDecoder {
  /** For bytes that begin and end between characters, as most pieces do: Node decodes those three times as fast. */
  private readonly whole = new TextDecoder('utf-8', { ignoreBOM: true });
  private readonly utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
  /** Start of a line whose end has not come. */
  private line = '';
  /** The last line ended in CR: a LF that follows belongs to it. */
  private afterCr = false;
  /** No line has been completed yet: a byte order mark may lead it. */
  private atStart = true;
  private data: string | undefined;
  private event = '';
  private id = '';
  /** How many more U+FFFD came out than went in. */
  private surplus = 0;
  /** The last bytes, where a character may have begun that `utf8` holds; else none. */
  private tail: number[] = [];

  /** `lines`: each line is an event's data, as in newline-delimited JSON. */
  constructor(
    private readonly eventBytesMax: number,
    private readonly lines = false,
  ) {}

  /** Adds the events that these bytes complete to `events`. */
  feed(bytes: Uint8Array, events: SseEvent[]): void {
    const text = this.decode(bytes);
    let at = 0;
    // Found once and not for every line: most streams hold none.
    let cr = text.indexOf('\r');
    while (at < text.length) {
      if (this.afterCr) {
        this.afterCr = false;
        if (text[at] === '\n') {
          at++;
          continue;
        }
      }
      if (cr >= 0 && cr < at) cr = text.indexOf('\r', at);
      const lf = text.indexOf('\n', at);
      const end = cr >= 0 && (lf < 0 || cr < lf) ? cr : lf;
      if (end < 0) {
        this.fits(this.line.length + text.length - at);
        this.line += at ? text.slice(at) : text;
        return;
      }
      // Most events are one line of data, then a blank one.
      if (end === lf && text[end + 1] === '\n' && this.isBetweenEvents && text.startsWith('data: ', at)) {
        this.fits(end - at - 6);
        this.dispatch(text.slice(at + 6, end), events);
        at = end + 2;
        continue;
      }
      this.afterCr = end === cr;
      let line = text.slice(at, end);
      at = end + 1;
      if (this.line) {
        line = this.line + line;
        this.line = '';
      }
      this.readLine(line, events);
    }
  }

  /** The end of the bytes: a last line needs no end. Only lines have such a thing. */
  end(events: SseEvent[]): void {
    if (this.lines && this.line) this.readLine(this.line, events);
    this.line = '';
  }

  /** Nothing is kept of what came before. */
  private get isBetweenEvents(): boolean {
    return !this.line && this.data === undefined && !this.event && !this.atStart && !this.lines;
  }

  private readLine(line: string, events: SseEvent[]): void {
    if (this.atStart) {
      this.atStart = false;
      if (line.startsWith('\ufeff')) line = line.slice(1);
    }
    if (this.lines) {
      this.fits(line.length);
      if (line.trim()) this.dispatch(line, events);
    } else if (line === '') {
      // Without data there is no event, and its name is forgotten.
      if (this.data !== undefined) this.dispatch(this.data, events);
      this.event = '';
    } else {
      this.readField(line);
    }
  }

  private readField(line: string): void {
    if (line.startsWith('data: ')) {
      this.addData(line.slice(6));
      return;
    }
    const colon = line.indexOf(':');
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (name === 'data') this.addData(value);
    else if (name === 'event') this.event = value;
    else if (name === 'id' && !value.includes('\0')) this.id = value;
  }

  private addData(value: string): void {
    this.data = this.data === undefined ? value : `${this.data}\n${value}`;
    this.fits(this.data.length);
  }

  private dispatch(data: string, events: SseEvent[]): void {
    const broken = this.surplus > 0 && data.includes(REPLACEMENT);
    events.push({ event: this.event || 'message', data, id: this.id, broken });
    this.data = undefined;
  }

  private decode(bytes: Uint8Array): string {
    const last = bytes[bytes.length - 1];
    if (last === undefined) return '';
    const inCharacter = last >= 0x80;
    const isWhole = !inCharacter && !this.tail.length;
    const text = isWhole ? this.whole.decode(bytes) : this.utf8.decode(bytes, { stream: inCharacter });
    if (text.includes(REPLACEMENT)) this.countReplacements(bytes, text);
    this.tail = inCharacter ? [...this.tail, ...bytes.subarray(-2)].slice(-2) : [];
    return text;
  }

  /** A model may write U+FFFD, so the character alone proves nothing: it counts how many came in as such. */
  private countReplacements(bytes: Uint8Array, text: string): void {
    const all = [...this.tail, ...bytes];
    for (const character of text) if (character === REPLACEMENT) this.surplus++;
    for (let at = 2; at < all.length; at++) {
      if (all[at] === 0xbd && all[at - 1] === 0xbf && all[at - 2] === 0xef) this.surplus--;
    }
  }

  private fits(bytes: number): void {
    if (bytes > this.eventBytesMax) throw new TooLarge();
  }
}
