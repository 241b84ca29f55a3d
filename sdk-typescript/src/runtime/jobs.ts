/** Jobs, which run on after they were asked for. Start at `wait`. */

import { APITimeoutError, APIUserAbortError } from './errors.js';
import type { RequestOptions } from './options.js';

/** What says that a job is over. */
export interface Job {
  /** Field of the job that says how far it is. */
  readonly status: string;
  /** Values after which nothing changes any more. */
  readonly done: readonly string[];
}

/** Options of the calls that are made meanwhile, and of the waiting itself. */
export interface WaitOptions extends RequestOptions {
  /**
   * Milliseconds before the second question. Each wait is half as long again as the last, up to ten times this.
   * @default 1000
   */
  pollIntervalMs?: number | undefined;
  /** Milliseconds to wait in all. @default Infinity */
  waitTimeoutMs?: number | undefined;
}

// A question every second is fine for a job of a minute, and a nuisance for one of a day.
const GROWTH = 1.5;
const INTERVAL_FACTOR_MAX = 10;

/** What time is, for tests to replace. */
export interface Clock {
  now(): number;
  /** Waits, unless the signal ends it before. */
  sleep(ms: number, signal: AbortSignal | null | undefined): Promise<void>;
}

const realClock: Clock = {
  now: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      signal?.addEventListener('abort', end);
    }),
};

/** The job as `retrieve` gives it once it is over, however it ended. */
export async function wait<T>(
  retrieve: () => PromiseLike<T>,
  job: Job,
  options: WaitOptions | undefined,
  clock: Clock = realClock,
): Promise<T> {
  const { pollIntervalMs = 1_000, waitTimeoutMs = Infinity, signal } = options ?? {};
  const end = clock.now() + waitTimeoutMs;
  const longest = pollIntervalMs * INTERVAL_FACTOR_MAX;
  for (let pause = pollIntervalMs; ; pause = Math.min(pause * GROWTH, longest)) {
    const current = await retrieve();
    const status = (current as Record<string, unknown> | undefined)?.[job.status];
    if (job.done.includes(status as string)) return current;
    if (clock.now() + pause > end) {
      const message = `the job is not done in time: its ${job.status} is ${JSON.stringify(status)}`;
      throw new APITimeoutError(message, { partial: current, deadline: 'total' });
    }
    if (!signal?.aborted) await clock.sleep(pause, signal);
    if (signal?.aborted) {
      throw new APIUserAbortError('the caller ended the wait for the job', { partial: current, cause: signal.reason });
    }
  }
}
