/** A decoded reply with what its head said. Start at `APIPromise`. */

import { rateLimitOf, type RateLimit } from './rate_limit.js';

/** What `.withResponse()` gives. */
export interface WithResponse<T> {
  data: T;
  /** The reply's head; its body has been read. */
  response: Response;
  /** `x-request-id`: what the gateway's log calls this request. */
  requestId: string | undefined;
  /** What is left of the key's limits after this request; `undefined` where the server does not say. */
  rateLimit: RateLimit | undefined;
}

/** A reply before and after its body was decoded. */
export interface Replied<T> {
  response: Response;
  data: T;
}

/** A promise of a result, which also gives the reply that the result came in. */
export class APIPromise<T> implements Promise<T> {
  readonly [Symbol.toStringTag] = 'APIPromise';
  private readonly replied: Promise<Replied<T>>;
  private whole = true;

  /** `send` is told whether the body is to be read and decoded. It runs a moment later, when that is known. */
  constructor(send: (whole: boolean) => Promise<Replied<T>>) {
    this.replied = Promise.resolve().then(() => send(this.whole));
  }

  /** The result, and the head of its reply. */
  async withResponse(): Promise<WithResponse<T>> {
    const { data, response } = await this.replied;
    const requestId = response.headers.get('x-request-id') ?? undefined;
    return { data, response, requestId, rateLimit: rateLimitOf(response.headers) };
  }

  /** The reply alone, its body unread. Call it at once, in place of `await`. */
  async asResponse(): Promise<Response> {
    this.whole = false;
    return (await this.replied).response;
  }

  then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.replied.then(({ data }) => data).then(onFulfilled, onRejected);
  }

  catch<B = never>(onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<T | B> {
    return this.then(null, onRejected);
  }

  finally(onFinally?: (() => void) | null): Promise<T> {
    return this.then().finally(onFinally);
  }
}
