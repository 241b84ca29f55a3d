/**
 * One operation of the API as data: all that the runtime knows about it. Start at `Operation`.
 *
 * Generated code holds one constant per operation and passes it, with a call's arguments, to `request`, `stream` or `pages`
 * of `transport.ts`:
 *
 *     const create: Operation<ChatCompletion> = { method: 'POST', path: '/chat/completions' };
 *     const createStream: StreamOperation<ChatCompletionChunk, ChatCompletion> = {
 *       ...create, terminal: '[DONE]', plan: chatCompletion, text: ['choices', 0, 'delta', 'content'],
 *     };
 *
 *     export function createChatCompletion(client: Client, params: …, options?: RequestOptions) {
 *       return params.stream
 *         ? stream(client, createStream, { body: params }, options)
 *         : request(client, create, { body: params }, options);
 *     }
 */

import type { Plan } from './accumulate.js';

/** Where an operation is, and how its request is written. */
export interface Route {
  readonly method: string;
  /** Below the base URL, with `{parameter}`. */
  readonly path: string;
  /**
   * Media type of the request's body where it is not JSON: `multipart/form-data`, `application/x-www-form-urlencoded`, or
   * one whose body is bytes or text.
   */
  readonly bodyType?: string;
  /** Query parameters whose lists are one value, with the separator. Others are repeated. */
  readonly joined?: Readonly<Record<string, string>>;
  /** Fields of the reply that hold secrets, wherever they are: `console.log` shows that they are there, not what they are. */
  readonly secrets?: readonly string[];
}

/** An operation with one reply. */
export interface Operation<T> extends Route {
  /** What the reply's body is: a JSON object (`json`), any JSON value, text, bytes, or nothing. @default 'json' */
  readonly reply?: 'json' | 'value' | 'text' | 'bytes' | 'none';
  /** A reply without a body (204) is a result, too: `undefined`. */
  readonly nothing?: boolean;
  /** Holds the type; never set. */
  readonly result?: T;
}

/** An operation whose reply is a stream of server-sent events, or of JSON lines. */
export interface StreamOperation<Event, Final> extends Route {
  /** `data` of the event that ends a complete stream; absent: the end of the body does. */
  readonly terminal?: string;
  /** How the events are put together; absent where there is no such thing. */
  readonly plan?: Plan;
  /**
   * Where an event holds the next piece of text, for `textDeltas()`: names of fields; 0 stands for a list's item with the
   * index 0, or the first where items have none.
   */
  readonly text?: readonly (string | number)[];
  /** The reply is one JSON document a line. */
  readonly lines?: boolean;
  /** Hold the types; never set. */
  readonly event?: Event;
  readonly final?: Final;
}

/** An operation that lists items page by page. */
export interface PageOperation<Item> extends Route {
  /** Field of the reply that holds the items. */
  readonly items: string;
  /** Query parameter that takes the cursor, such as `after`. */
  readonly cursorParam: string;
  /** Field of the reply that holds the next cursor; absent: the last item's `id` is it. */
  readonly nextCursor?: string;
  /** Boolean field of the reply that says whether more follow. */
  readonly hasMore?: string;
  /** Holds the type; never set. */
  readonly item?: Item;
}

/** A call's arguments. Values that are `undefined` are left out. */
export interface Args {
  readonly path?: Readonly<Record<string, unknown>>;
  readonly query?: object | undefined;
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly body?: unknown;
}
