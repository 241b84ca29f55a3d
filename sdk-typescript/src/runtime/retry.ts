/** When to try again, and how long to wait before. Start at `run`. It knows nothing about HTTP clients. */

/** How an attempt failed, and whether it is worth another one. */
export class Failed {
  constructor(
    readonly error: unknown,
    readonly again: boolean,
    /** Milliseconds that the server asked to wait. */
    readonly askedMs?: number | undefined,
  ) {}
}

export interface RetryRules {
  maxRetries: number;
  delayMaxMs: number;
  /** On the clock of `now`. */
  totalAt: number;
  now(): number;
  /** Waits, unless the call is ended before. */
  sleep(ms: number): Promise<void>;
  /** In 0..1. */
  random(): number;
}

/**
 * Runs `attempt` (given its number, from 1) until it succeeds, says no, or the retries or the time are used up. An attempt
 * fails by throwing `Failed`.
 *
 * A wait that would end after the total deadline is not begun: the last failure says more than a timeout would.
 */
export async function run<T>(rules: RetryRules, attempt: (number: number) => Promise<T>): Promise<T> {
  for (let number = 1; ; number++) {
    try {
      return await attempt(number);
    } catch (failed) {
      if (!(failed instanceof Failed)) throw failed;
      const wait = delay(rules, number, failed.askedMs);
      if (!failed.again || number > rules.maxRetries || rules.now() + wait >= rules.totalAt) throw failed.error;
      await rules.sleep(wait);
    }
  }
}

/**
 * What the server asked for, capped; otherwise 0.5 s · 2ⁿ, capped, of which a random part up to half is taken off so that
 * clients which failed together do not come back together.
 */
export function delay(rules: Pick<RetryRules, 'delayMaxMs' | 'random'>, attempt: number, askedMs?: number): number {
  if (askedMs !== undefined) return Math.min(askedMs, rules.delayMaxMs);
  return Math.min(500 * 2 ** (attempt - 1), rules.delayMaxMs) * (1 - rules.random() / 2);
}

/** Whether a reply outside 2xx is worth another attempt. */
export function shouldRetry(status: number, headers: Headers): boolean {
  const said = headers.get('x-should-retry');
  if (said === 'true' || said === 'false') return said === 'true';
  // 501: what is not implemented will not be in a second either.
  return status === 408 || status === 409 || status === 429 || (status >= 500 && status !== 501);
}

/** Milliseconds in `retry-after-ms`, or else in `Retry-After`, in seconds or as a date. One in the past means now. */
export function retryAfterMs(headers: Headers, nowMs: number): number | undefined {
  const ms = number(headers.get('retry-after-ms'));
  if (ms !== undefined) return ms;
  const text = headers.get('retry-after')?.trim() ?? '';
  const seconds = number(text);
  if (seconds !== undefined) return seconds * 1e3;
  // Only dates as HTTP writes them: `Date.parse` makes one of almost anything.
  const at = /^[A-Z][a-z]{2,8},? .*\d\d:\d\d:\d\d/.test(text) ? Date.parse(text) : NaN;
  return Number.isNaN(at) ? undefined : Math.max(at - nowMs, 0);
}

function number(text: string | null): number | undefined {
  return text && /^\s*\d{1,15}(\.\d{0,9})?\s*$/.test(text) ? Number(text) : undefined;
}
