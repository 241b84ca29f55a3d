/** What goes wrong in a call, and its one translation into errors. Start at `Failures`. */

import { describe, impliedStatus } from './error_body.js';
import {
  APIConnectionError,
  APIError,
  APITimeoutError,
  APIUserAbortError,
  ResponseDecodeError,
  StreamTruncatedError,
  classOfStatus,
  type ErrorDetails,
} from './errors.js';
import { rateLimitOf } from './rate_limit.js';
import { retryAfterMs } from './retry.js';
import { descriptions, type Deadline } from './timeout.js';

/** Bodies and events in errors are cut here. */
const BODY_CHARS_MAX = 64 << 10;
/** Of a plain-text body; the rest stays in the error's body. */
const MESSAGE_CHARS_MAX = 500;

/** Makes the errors of one call; knows what all of them carry. */
export class Failures {
  /** Of the last reply. */
  response: Response | undefined;
  attempts = 0;
  /** Of a stream: what it had handed out. */
  progress: (() => ErrorDetails) | undefined;

  constructor(private readonly key: string) {}

  /** A reply outside 2xx. */
  status(response: Response, body: string): APIError {
    const { message, ...said } = describe(body, plainText(response, body) ?? unexplained(response, body));
    return this.make(classOfStatus(response.status), message, {
      ...said,
      body,
      retryAfterMs: retryAfterMs(response.headers, Date.now()),
    });
  }

  /** An error in mid-stream. */
  event(data: string): APIError {
    const { message, ...said } = describe(data, 'the server reported an error in mid-stream');
    const statusCode = impliedStatus(said);
    return this.make(classOfStatus(statusCode), message, { ...said, statusCode, body: data });
  }

  connection(cause: unknown): APIError {
    let root = cause;
    while (root instanceof Error && root.cause) root = root.cause;
    const said = root instanceof Error ? root.message || root.name : String(root);
    return this.make(APIConnectionError, `the connection failed: ${said}`, { cause });
  }

  deadline(deadline: Deadline): APIError {
    return this.make(APITimeoutError, descriptions[deadline], { deadline });
  }

  aborted(cause: unknown): APIError {
    return this.make(APIUserAbortError, 'the call was aborted', { cause });
  }

  decode(message: string, body?: string, cause?: unknown): APIError {
    return this.make(ResponseDecodeError, message, { body, cause });
  }

  tooLarge(what: string, bytesMax: number): APIError {
    const message = `${what} is larger than ${bytesMax} bytes`;
    return this.make(ResponseDecodeError, message, { code: what.includes('event') ? 'event_too_large' : undefined });
  }

  truncated(message = 'the stream ended before its terminal event'): APIError {
    return this.make(StreamTruncatedError, message, {});
  }

  /** The key is blotted out of whatever the server sent back. */
  private make(Kind: typeof APIError, message: string, details: ErrorDetails): APIError {
    const { response, key } = this;
    const all: ErrorDetails = {
      statusCode: response?.status,
      requestId: response?.headers.get('x-request-id') ?? undefined,
      rateLimit: response && rateLimitOf(response.headers),
      attempts: this.attempts,
      ...this.progress?.(),
      ...details,
    };
    all.body = all.body?.slice(0, BODY_CHARS_MAX);
    const scrub = (text: string) => text.replaceAll(key, '[redacted]');
    for (const field of ['code', 'type', 'param', 'requestId', 'body'] as const) {
      const text = all[field];
      if (text) all[field] = scrub(text);
    }
    // A parser's message may quote what it read.
    if (String((all.cause as Error | undefined)?.message).includes(key)) delete all.cause;
    const error = new Kind(scrub(message), all);
    // As `new Error(…, { cause })` has it: seen in logs, not in loops over the fields.
    if (all.cause !== undefined) Object.defineProperty(error, 'cause', { value: all.cause, enumerable: false });
    return error;
  }
}

/** A body that is a message as it stands. HTML never is. */
function plainText(response: Response, body: string): string | undefined {
  const isPlain = response.headers.get('content-type')?.startsWith('text/plain');
  return (isPlain && body.trim().slice(0, MESSAGE_CHARS_MAX)) || undefined;
}

/** Message for a body that has none: `502 (text/html, 162 characters)`. */
function unexplained(response: Response, body: string): string {
  const reason = response.statusText || (response.status ? `status ${response.status}` : 'a redirect, not followed');
  const type = response.headers.get('content-type');
  if (!body) return `${reason} (empty body)`;
  return `${reason} (${type ? `${type}, ` : ''}${body.length} characters)`;
}
