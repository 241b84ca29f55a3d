/**
 * Everything that a call can fail with, one class per reaction. Start at `NovAIError`.
 *
 * No fetch implementation's and no parser's error escapes a call; what they said is kept as `cause`.
 *
 *     NovAIError                     also: the client cannot be built, or the request not sent, as it is
 *     └── APIError                   also: an error in mid-stream of a kind that has no status; a call that was aborted
 *         ├── APIStatusError         the server answered with a status outside 2xx (other than below)
 *         │   ├── BadRequestError              400
 *         │   ├── AuthenticationError          401
 *         │   ├── PermissionDeniedError        403
 *         │   ├── NotFoundError                404
 *         │   ├── ConflictError                409
 *         │   ├── UnprocessableEntityError     422
 *         │   ├── RateLimitError               429
 *         │   └── InternalServerError          500 and above
 *         ├── APIConnectionError     the connection could not be made, or broke
 *         │   └── APITimeoutError    a deadline passed
 *         ├── APIUserAbortError      the caller's signal, or `controller.abort()`
 *         ├── StreamTruncatedError   the stream ended without its terminal event
 *         └── ResponseDecodeError    the server answered with something that the API does not describe
 */

import type { RateLimit } from './rate_limit.js';
import type { Deadline } from './timeout.js';

/** What is known about a failure. A field is absent where it does not apply. */
export interface ErrorDetails {
  /** HTTP status. In mid-stream, the status that the error would have had: the real one was already 200. */
  statusCode?: number | undefined;
  /** Stable code, such as `model_not_found`. Branch on the class or on this, never on `message`. */
  code?: string | undefined;
  /** Family of the code, such as `invalid_request_error`. */
  type?: string | undefined;
  /** Field of the request that is to blame, such as `messages[0].content`. */
  param?: string | undefined;
  /** `x-request-id`; absent if a proxy answered before the gateway did. */
  requestId?: string | undefined;
  /** Events that a stream had handed out before it failed. */
  eventsReceived?: number | undefined;
  /** What a stream's accumulator holds, of the type that the operation returns when it does not stream. */
  partial?: unknown;
  /** What the reply said about the key's limits. */
  rateLimit?: RateLimit | undefined;
  /** Milliseconds that the server asked to wait, uncapped. */
  retryAfterMs?: number | undefined;
  /** Which deadline passed. */
  deadline?: Deadline | undefined;
  /** The reply's body as it came, cut after 64 KiB, the key blotted out. */
  body?: string | undefined;
  /** Requests that were sent for this call. */
  attempts?: number | undefined;
  cause?: unknown;
}

/** What went wrong, and all that is known about it. */
export class NovAIError extends Error {
  override name = 'NovAIError';
  readonly statusCode: number | undefined;
  readonly code: string | undefined;
  readonly type: string | undefined;
  readonly param: string | undefined;
  readonly requestId: string | undefined;
  readonly eventsReceived: number = 0;
  readonly partial: unknown;
  readonly rateLimit: RateLimit | undefined;
  readonly retryAfterMs: number | undefined;
  readonly deadline: Deadline | undefined;
  readonly body: string | undefined;
  readonly attempts: number = 0;

  constructor(message: string, details?: ErrorDetails) {
    super(message);
    Object.assign(this, details);
  }

  /** The same as `statusCode`. */
  get status(): number | undefined {
    return this.statusCode;
  }
}

/** A call that was sent and failed; itself, an error in mid-stream of a kind that has no status. */
export class APIError extends NovAIError {
  override name = 'APIError';
}

/** A status outside 2xx. Redirects are among them: they are not followed, the key would go with them. */
export class APIStatusError extends APIError {
  override name = 'APIStatusError';
  declare readonly statusCode: number;
}

/** 400. The request is wrong; `param` names the field. */
export class BadRequestError extends APIStatusError {
  override name = 'BadRequestError';
}

/** 401. The key is missing, unknown or revoked. */
export class AuthenticationError extends APIStatusError {
  override name = 'AuthenticationError';
}

/** 403. The key may not do this. */
export class PermissionDeniedError extends APIStatusError {
  override name = 'PermissionDeniedError';
}

/** 404. No such model, object or path. */
export class NotFoundError extends APIStatusError {
  override name = 'NotFoundError';
}

/** 409. Another request holds what this one needs. */
export class ConflictError extends APIStatusError {
  override name = 'ConflictError';
}

/** 422. Well formed, and yet not acceptable. */
export class UnprocessableEntityError extends APIStatusError {
  override name = 'UnprocessableEntityError';
}

/** 429. A limit is reached; see `retryAfterMs` and `rateLimit`. */
export class RateLimitError extends APIStatusError {
  override name = 'RateLimitError';
}

/** 500 and above: the gateway or a provider behind it failed. */
export class InternalServerError extends APIStatusError {
  override name = 'InternalServerError';
}

/** The connection could not be made, or broke. */
export class APIConnectionError extends APIError {
  override name = 'APIConnectionError';
}

/** A deadline passed; `deadline` says which. The server may still have charged for the call. */
export class APITimeoutError extends APIConnectionError {
  override name = 'APITimeoutError';
}

/** The caller ended the call: its signal, or the stream's `controller`. */
export class APIUserAbortError extends APIError {
  override name = 'APIUserAbortError';
}

/** The stream ended without its terminal event. `partial` holds what came until then. */
export class StreamTruncatedError extends APIError {
  override name = 'StreamTruncatedError';
}

/** The server answered with something that the API does not describe. */
export class ResponseDecodeError extends APIError {
  override name = 'ResponseDecodeError';
}

const byStatus: Record<number, typeof APIError> = {
  400: BadRequestError,
  401: AuthenticationError,
  403: PermissionDeniedError,
  404: NotFoundError,
  409: ConflictError,
  422: UnprocessableEntityError,
  429: RateLimitError,
};

/** The class of a status; without one, the error has no kind of its own. */
export function classOfStatus(statusCode: number | undefined): typeof APIError {
  if (statusCode === undefined) return APIError;
  return statusCode >= 500 ? InternalServerError : (byStatus[statusCode] ?? APIStatusError);
}
