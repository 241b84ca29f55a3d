/** Reads reply bodies: whole and bounded, or event by event. Nothing here knows what a body means. */

import { SseDecoder, type SseEvent } from './sse.js';

/** Error bodies are kept up to here. */
const ERROR_BYTES_KEPT = 64 << 10;

type Reader = ReadableStreamDefaultReader<Uint8Array>;

/**
 * Node takes a connection back one turn of its loop after the body's end was read. A caller that sends its next request
 * within that turn would open another one.
 */
export function settled(): Promise<void> | void {
  const { setImmediate } = globalThis as { setImmediate?: (then: () => void) => void };
  if (setImmediate) return new Promise((resolve) => setImmediate(resolve));
}

/** The whole body; `undefined` if it is larger than that. `next` is told before each wait. */
export async function readWhole(
  response: Response,
  bytesMax: number,
  next: () => void,
): Promise<Uint8Array | undefined> {
  const reader = response.body?.getReader() as Reader | undefined;
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for (;;) {
    next();
    const piece = (await reader?.read())?.value;
    if (!piece) break;
    pieces.push(piece);
    if ((bytes += piece.length) > bytesMax) {
      void reader?.cancel().catch(() => {});
      return undefined;
    }
  }
  // Most bodies come in one piece and are not copied.
  if (pieces.length === 1) return pieces[0]!;
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** As much of an error's body as is kept. Never fails: half a body explains more than none. */
export async function readError(response: Response, next: () => void): Promise<string> {
  const reader = response.body?.getReader() as Reader | undefined;
  const utf8 = new TextDecoder();
  let text = '';
  let room = ERROR_BYTES_KEPT;
  try {
    for (;;) {
      next();
      const piece = (await reader?.read())?.value;
      if (!piece) return text + utf8.decode();
      text += utf8.decode(piece.subarray(0, room), { stream: true });
      if ((room -= piece.length) < 0) break;
    }
    void reader?.cancel().catch(() => {});
  } catch {
    // What there is must do.
  }
  return text;
}

/**
 * What a body brought, for who asks for the whole later, which most never do. Bytes cost nothing until then: events that
 * are kept as texts make the garbage collector's work a fifth of a stream's.
 */
export class Kept {
  bytes = 0;
  private pieces: Uint8Array[] = [];
  private decoder: SseDecoder | undefined;
  private readonly events: SseEvent[] = [];

  constructor(
    private readonly eventBytesMax: number,
    private readonly lines: boolean,
  ) {}

  add(piece: Uint8Array): void {
    this.pieces.push(piece);
    this.bytes += piece.length;
  }

  /** The next so many events, which the body has brought before. */
  take(count: number): SseEvent[] {
    const { pieces, events } = this;
    const decoder = (this.decoder ??= new SseDecoder(this.eventBytesMax, this.lines));
    try {
      for (const piece of pieces) decoder.feed(piece, events);
      if (events.length < count) decoder.end(events);
    } catch {
      // The event behind these is too large: whoever read the body knows.
    }
    this.pieces = [];
    this.bytes = 0;
    return events.splice(0, count);
  }
}

/** A body of events. */
export class EventBody {
  private readonly reader: Reader | undefined;
  private readonly decoder: SseDecoder;
  /** Pieces are put here as they come, until it is gone. */
  kept: Kept | undefined;
  /** Read, and not yet taken. */
  events: SseEvent[] = [];
  private taken = 0;
  /** What ended the body, or its reading; thrown once the events before it are taken. */
  private broken: unknown;
  ended = false;

  constructor(response: Response, eventBytesMax: number, lines: boolean) {
    this.reader = response.body?.getReader() as Reader | undefined;
    this.decoder = new SseDecoder(eventBytesMax, lines);
    this.kept = new Kept(eventBytesMax, lines);
    this.ended = !this.reader;
  }

  /** The next event, if it is here; `undefined`: see `ended`, and `fill`. */
  take(): SseEvent | undefined {
    const event = this.events[this.taken++];
    if (event) return event;
    this.events.length = this.taken = 0;
    if (this.broken) throw this.broken;
    return undefined;
  }

  /** Reads until there is an event, or the end. */
  async fill(): Promise<void> {
    while (!this.ended && !this.broken && this.taken >= this.events.length) {
      const { value } = await this.reader!.read();
      if (value) this.kept?.add(value);
      try {
        if (value) this.decoder.feed(value, this.events);
        else {
          this.ended = true;
          this.decoder.end(this.events);
        }
      } catch (error) {
        this.broken = error;
      }
    }
  }

  /** Reads on to the body's end so that its connection can be used again; not further than this. */
  async drain(bytesMax: number): Promise<void> {
    while (!this.ended && bytesMax >= 0) {
      const { value } = await this.reader!.read();
      if (value) bytesMax -= value.length;
      else this.ended = true;
    }
    await settled();
  }
}
