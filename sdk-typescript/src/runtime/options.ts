/** What may differ from call to call. Start at `RequestOptions`. */

import type { Timeouts } from './timeout.js';

/** The last argument of every method. */
export interface RequestOptions {
  /** Ends the call, and its stream. */
  signal?: AbortSignal | null | undefined;
  /** Headers to add; they replace the client's own of the same name, and null removes one. `Authorization` is the key's. */
  headers?: Record<string, string | null | undefined> | undefined;
  /** Query parameters to add. */
  query?: Record<string, unknown> | undefined;
  /** Fields to add to a JSON body, for what this version does not know. */
  extraBody?: Record<string, unknown> | undefined;
  /** Milliseconds for the whole call, or each of the four deadlines. */
  timeout?: number | Timeouts | undefined;
  /** Attempts after the first. Zero turns retries off. */
  maxRetries?: number | undefined;
  /**
   * Replaces the key that each POST makes and keeps across its attempts. Do not share one between different requests.
   */
  idempotencyKey?: string | undefined;
}
