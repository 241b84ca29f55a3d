/**
 * Typed events as they come, put together on the way. Start at `Stream.next`.
 *
 * A stream ends in exactly one of two ways: its terminal event, after which iteration stops, or one error, which holds what
 * came until then. An end without the terminal is an error (`StreamTruncatedError`), never a short success.
 */

// Where users' compilers do not know it yet, `Symbol.asyncDispose` is declared by this.
/// <reference lib="esnext.disposable" preserve="true" />

import { Accumulator } from './accumulate.js';
import type { EventBody } from './body.js';
import { isEarlyEnd, type Call } from './call.js';
import type { StreamOperation } from './operation.js';
import { rateLimitOf, type RateLimit } from './rate_limit.js';
import { Failed, retryAfterMs, shouldRetry } from './retry.js';
import { hide } from './secrets.js';
import { TooLarge, type SseEvent } from './sse.js';

/** After the terminal event, a server has only its body's end to send. */
const DRAIN_BYTES_MAX = 64 << 10;
/**
 * Long enough for an end that is on its way, short enough that a server which never ends its body delays nobody: the
 * connection is worth a few round trips, not more.
 */
const DRAIN_MS = 500;
/** Of what may be put together later: some thousand events, more than most streams have. */
const KEPT_BYTES_MAX = 1 << 20;

type State = 'open' | 'complete' | 'failed' | 'closed';

/** The events of one reply. Leave the loop, or call `close`, to end it early. */
export class Stream<Event, Final> implements AsyncIterable<Event> {
  /** Events handed out so far. */
  eventsReceived = 0;
  private readonly accumulator: Accumulator;
  /** Of the events handed out, how many `accumulator` has. The body keeps the others. */
  private accumulated = 0;
  private state: State = 'open';
  /** The body ended too soon, and was not read on. */
  private brokenOff = false;

  /** @internal */
  constructor(
    private readonly call: Call,
    private readonly body: EventBody,
    private readonly operation: StreamOperation<Event, Final>,
    private readonly eventBytesMax: number,
    /** The reply's head. Its body is the stream's. */
    readonly response: Response,
  ) {
    this.accumulator = new Accumulator(operation.plan);
    if (!operation.plan) body.kept = undefined;
  }

  /**
   * Waits until something is known about the body, and leaves it to be taken. A connection that breaks before is thrown,
   * and may be tried again; so is an error in place of the first event, by the status that it stands for. An early end is
   * the stream's.
   * @internal
   */
  async open(): Promise<void> {
    try {
      await this.body.fill();
    } catch (cause) {
      if (!isEarlyEnd(cause)) throw cause;
      this.brokenOff = true;
    }
    const first = this.body.events[0];
    if (first && isError(first)) await this.refuse(first.data);
    this.call.rest();
    this.call.failures.progress = () => ({
      eventsReceived: this.eventsReceived,
      partial: this.snapshot(),
    });
  }

  /** Nothing was handed out yet: an error that comes first is as good as a reply outside 2xx. */
  private async refuse(data: string): Promise<never> {
    const { call, response } = this;
    const error = call.failures.event(data);
    const again = !!error.statusCode && !call.isOver && shouldRetry(error.statusCode, response.headers);
    await this.drain();
    throw new Failed(error, again, retryAfterMs(response.headers, Date.now()));
  }

  /** `x-request-id`: what the gateway's log calls this request. */
  get requestId(): string | undefined {
    return this.response.headers.get('x-request-id') ?? undefined;
  }

  /** The key's limits when the stream began; `undefined` where the server does not say. */
  get rateLimit(): RateLimit | undefined {
    return rateLimitOf(this.response.headers);
  }

  /** Ends the request when aborted. */
  get controller(): AbortController {
    return this.call.controller;
  }

  /** The next event; `done` after the last. */
  next(): Promise<IteratorResult<Event, undefined>> {
    if (this.state !== 'open') return Promise.resolve({ done: true, value: undefined });
    try {
      const event = this.body.take();
      if (!event) return this.wait();
      // Most events come several at a time, and cost no more than their decoding.
      if (event.data !== this.operation.terminal) return Promise.resolve({ done: false, value: this.decode(event) });
      return this.finish();
    } catch (error) {
      return this.finish(error);
    }
  }

  [Symbol.asyncIterator](): AsyncIterator<Event, undefined> {
    return {
      next: () => this.next(),
      return: async () => {
        this.close();
        return { done: true, value: undefined };
      },
    };
  }

  /** Only the pieces of text, of the first choice; none of them empty. */
  async *textDeltas(): AsyncGenerator<string, void, undefined> {
    for await (const event of this) {
      const text = textAt(event, this.operation.text ?? []);
      if (typeof text === 'string' && text) yield text;
    }
  }

  /** What the events so far make up. */
  snapshot(): Final {
    this.catchUp();
    return hide(this.accumulator.snapshot() as Final, this.operation.secrets);
  }

  /** Reads what is left and returns everything put together, as if it had not been streamed. */
  async final(): Promise<Final> {
    this.catchUp();
    // From here on, events are taken into it as they come.
    this.body.kept = undefined;
    while (!(await this.next()).done);
    // Its error was handed out, or it was ended early; what is here must still not pass for the whole.
    if (this.state !== 'complete')
      throw this.call.failures.truncated(`the stream ${this.state === 'closed' ? 'was closed' : 'had failed'} before`);
    return this.snapshot();
  }

  /** Ends the request: its connection is closed, which cancels it at the server. */
  close(): void {
    if (this.state !== 'open') return;
    this.state = 'closed';
    this.call.controller.abort();
    this.call.end();
  }

  /** Two streams of the same events. Each keeps what the other has taken and it has not. */
  tee(): [AsyncIterableIterator<Event>, AsyncIterableIterator<Event>] {
    const waiting: [Promise<IteratorResult<Event>>[], Promise<IteratorResult<Event>>[]] = [[], []];
    const branch = (own: 0 | 1): AsyncIterableIterator<Event> => ({
      next: () => {
        if (!waiting[own].length) {
          const next = this.next();
          waiting[0].push(next);
          waiting[1].push(next);
        }
        return waiting[own].shift()!;
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    });
    return [branch(0), branch(1)];
  }

  /** The events as bytes, one JSON document a line: to pass them on to a browser. */
  toReadableStream(): ReadableStream<Uint8Array> {
    const utf8 = new TextEncoder();
    return new ReadableStream({
      pull: async (controller) => {
        const { done, value } = await this.next();
        if (done) controller.close();
        else controller.enqueue(utf8.encode(`${JSON.stringify(value)}\n`));
      },
      cancel: () => this.close(),
    });
  }

  /** Nothing is here: waits for it, and for no longer than it may take. */
  private async wait(): Promise<IteratorResult<Event, undefined>> {
    const { body, call } = this;
    if (this.brokenOff) return this.fail(call.failures.truncated());
    if (!body.ended) {
      call.watch('idle', call.timeouts.idleMs);
      try {
        await body.fill();
      } catch (cause) {
        return this.fail(isEarlyEnd(cause) ? call.failures.truncated() : call.explain(cause));
      }
      call.rest();
      if (body.kept && body.kept.bytes > KEPT_BYTES_MAX) this.catchUp();
      if (!body.ended || body.events.length) return this.next();
    }
    if (this.operation.terminal !== undefined) return this.fail(call.failures.truncated());
    return this.finish();
  }

  /** An event's value, unless it is an error: one that is named so, or a JSON object with an `error` in it. */
  private decode({ event, data, broken }: SseEvent): Event {
    const { failures } = this.call;
    if (event === 'error') throw failures.event(data);
    if (broken) throw failures.decode('an event of the stream is not UTF-8', data);
    let value: unknown;
    try {
      value = JSON.parse(data);
    } catch (cause) {
      throw failures.decode('an event of the stream is not JSON', data, cause);
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw failures.decode('an event of the stream is not a JSON object', data);
    }
    // Some servers put it beside the fields of an ordinary chunk.
    if ((value as { error?: unknown }).error != null) throw failures.event(data);
    if (!this.body.kept) this.accumulator.add(value);
    this.eventsReceived++;
    return hide(value, this.operation.secrets) as Event;
  }

  /** Puts together what was handed out since the last time. */
  private catchUp(): void {
    const due = this.eventsReceived - this.accumulated;
    this.accumulated = this.eventsReceived;
    for (const { data } of this.body.kept?.take(due) ?? []) this.accumulator.add(JSON.parse(data));
  }

  /** The last event is in: reads the rest, so that the connection can be used again. */
  private async finish(error?: unknown): Promise<IteratorResult<Event, undefined>> {
    const { call } = this;
    if (error instanceof TooLarge)
      return this.fail(call.failures.tooLarge('an event of the stream', this.eventBytesMax));
    this.state = error ? 'failed' : 'complete';
    await this.drain();
    call.end();
    if (error) throw error;
    return { done: true, value: undefined };
  }

  private async drain(): Promise<void> {
    this.call.watch('total', DRAIN_MS);
    try {
      await this.body.drain(DRAIN_BYTES_MAX);
    } catch {
      // The connection is lost; the stream is whole.
    }
    if (!this.body.ended) this.call.controller.abort();
  }

  private fail(error: unknown): never {
    this.state = 'failed';
    this.end();
    throw error;
  }

  private end(): void {
    if (!this.body.ended) this.call.controller.abort();
    this.call.end();
  }
}

// Declared only where the runtime has it.
export interface Stream<Event, Final> {
  [Symbol.asyncDispose](): Promise<void>;
}
if (Symbol.asyncDispose) {
  Stream.prototype[Symbol.asyncDispose] = async function () {
    this.close();
  };
}

/** Whether an event reports an error: it is named so, or a JSON object with an `error` in it. */
function isError({ event, data }: SseEvent): boolean {
  if (event === 'error') return true;
  if (!data.includes('"error"')) return false;
  try {
    return (JSON.parse(data) as { error?: unknown } | null)?.error != null;
  } catch {
    return false;
  }
}

/** What lies at a path of field names; 0 stands for a list's item with the index 0, or the first where items have none. */
function textAt(value: unknown, path: readonly (string | number)[]): unknown {
  for (const step of path) {
    if (step === 0) {
      value = (value as { index?: unknown }[] | undefined)?.find?.((item) => (item?.index ?? 0) === 0);
    } else {
      value = (value as Record<string, unknown> | undefined)?.[step];
    }
    if (value === null || value === undefined) return undefined;
  }
  return value;
}
