/** One call of a user: its deadlines, its signal, and how what `fetch` throws is to be read. Start at `Call`. */

import type { Client } from './client.js';
import type { APIError } from './errors.js';
import { Failures } from './failure.js';
import type { RequestOptions } from './options.js';
import { Alarm, now, timeoutsOf, type AllTimeouts, type Deadline } from './timeout.js';

export class Call {
  readonly failures: Failures;
  readonly timeouts: AllTimeouts;
  /** When the whole call must be over, on the clock of `now`. */
  readonly totalAt: number;
  /** Of the attempt that is under way, or of the stream that it became. */
  controller = new AbortController();
  /** Which deadline ended the attempt. */
  private passed: Deadline | undefined;
  private watched: Deadline = 'total';
  private readonly alarm = new Alarm(() => {
    this.passed = this.watched;
    this.controller.abort();
  });
  private readonly signal: AbortSignal | null | undefined;
  private readonly abort = () => this.controller.abort(this.signal?.reason);

  constructor(client: Client, options: RequestOptions | undefined) {
    this.failures = new Failures(client.apiKey);
    this.timeouts = timeoutsOf(options?.timeout, client.timeouts);
    this.totalAt = now() + this.timeouts.totalMs;
    this.signal = options?.signal;
    this.signal?.addEventListener('abort', this.abort);
  }

  /** Begins an attempt, which is to show something within `ms`. */
  begin(number: number, ms: number, deadline: Deadline): void {
    this.failures.attempts = number;
    this.failures.response = undefined;
    this.failures.progress = undefined;
    this.renew();
    this.watch(deadline, ms);
  }

  private renew(): void {
    this.rest();
    this.passed = undefined;
    this.controller = new AbortController();
    if (this.signal?.aborted) this.abort();
  }

  /** From now on this deadline holds, and the total one. */
  watch(deadline: Deadline, ms: number): void {
    const at = now() + ms;
    this.watched = at < this.totalAt ? deadline : 'total';
    this.alarm.set(Math.min(at, this.totalAt));
  }

  /** No deadline holds: the caller has the turn. */
  rest(): void {
    this.alarm.set(Infinity);
  }

  /** The end of the call, and of all that watches it. */
  end(): void {
    this.alarm.clear();
    this.signal?.removeEventListener('abort', this.abort);
  }

  /** Whether another attempt is of no use: its time is over, or its caller is gone. */
  get isOver(): boolean {
    return this.passed === 'total' || this.isAborted;
  }

  /** Whether its caller is gone. */
  get isAborted(): boolean {
    return !this.passed && this.controller.signal.aborted;
  }

  /** What was thrown by `fetch` or by reading its body. */
  explain(cause: unknown): APIError {
    if (this.passed) return this.failures.deadline(this.passed);
    if (this.controller.signal.aborted) return this.failures.aborted(cause);
    if (codeOf(cause) === 'UND_ERR_CONNECT_TIMEOUT') return this.failures.deadline('connect');
    return this.failures.connection(cause);
  }

  /** Waits, unless the call is ended before. */
  sleep(ms: number): Promise<void> {
    // That of the attempt may have been aborted by its deadline.
    this.renew();
    return new Promise((resolve, reject) => {
      const { signal } = this.controller;
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        if (signal.aborted) reject(this.explain(signal.reason));
        else resolve();
      };
      const timer = setTimeout(done, ms);
      if (signal.aborted) done();
      else signal.addEventListener('abort', done);
    });
  }
}

/** The error code of Node's `fetch`, if that threw it. */
function codeOf(thrown: unknown): unknown {
  return (thrown as { cause?: { code?: unknown } } | undefined)?.cause?.code;
}

/** Whether the server closed the connection in the middle of the body, as against the network breaking it. Node tells. */
export function isEarlyEnd(thrown: unknown): boolean {
  return codeOf(thrown) === 'UND_ERR_SOCKET';
}
