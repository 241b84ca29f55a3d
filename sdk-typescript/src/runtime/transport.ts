/**
 * From an operation and its arguments to a decoded reply, through retries. Start at `request` and `stream`: generated
 * functions call these two, and `pages`, and nothing else.
 */

import { EventBody, readError, readWhole, settled } from './body.js';
import { Call } from './call.js';
import type { Client } from './client.js';
import { dispatcherOf } from './connect.js';
import type { APIError } from './errors.js';
import type { Args, Operation, Route, StreamOperation } from './operation.js';
import type { RequestOptions } from './options.js';
import { buildRequest } from './request.js';
import { APIPromise, type Replied } from './response.js';
import { warn } from './retirement.js';
import { Failed, retryAfterMs, run, shouldRetry } from './retry.js';
import { hide } from './secrets.js';
import { Stream } from './stream.js';
import { now, type Deadline } from './timeout.js';

const EVENT_BYTES_MAX = 16 << 20;
const RESPONSE_BYTES_MAX = 64 << 20;
const accepts = {
  json: 'application/json',
  value: 'application/json',
  text: 'text/plain, */*',
  bytes: '*/*',
  none: '*/*',
};

/** Runs an operation with one reply. */
export function request<T>(
  client: Client,
  operation: Operation<T>,
  args: Args,
  options?: RequestOptions,
): APIPromise<T> {
  const accept = accepts[operation.reply ?? 'json'];
  return new APIPromise<T>((whole) =>
    drive(client, operation, args, options, accept, 'total', async (call, response) => {
      if (!whole) return { response, data: undefined as T };
      const bytesMax = client.options.responseBytesMax ?? RESPONSE_BYTES_MAX;
      const { idleMs } = call.timeouts;
      const body = await readWhole(response, bytesMax, () => call.watch('idle', idleMs)).catch((cause: unknown) => {
        throw new Failed(call.explain(cause), !call.isOver);
      });
      if (!body) throw call.failures.tooLarge('the reply', bytesMax);
      await settled();
      return { response, data: decode(call, operation, response, body) as T };
    }),
  );
}

/** Opens a stream. Ready once its first event is there, so that what fails before is retried, and thrown here. */
export function stream<Event, Final>(
  client: Client,
  operation: StreamOperation<Event, Final>,
  args: Args,
  options?: RequestOptions,
): APIPromise<Stream<Event, Final>> {
  const accept = operation.lines ? 'application/x-ndjson' : 'text/event-stream';
  return new APIPromise((whole) =>
    drive(client, operation, args, options, accept, 'first_event', async (call, response) => {
      if (!whole) {
        call.end();
        return { response, data: undefined as never };
      }
      const type = response.headers.get('content-type');
      if (type && !operation.lines && !/^\s*text\/event-stream\s*(;|$)/i.test(type)) {
        const body = await readError(response, () => call.watch('idle', call.timeouts.idleMs));
        throw call.failures.decode(`a stream was asked for and the reply is ${type}`, body);
      }
      const eventBytesMax = client.options.eventBytesMax ?? EVENT_BYTES_MAX;
      const events = new EventBody(response, eventBytesMax, operation.lines ?? false);
      const data = new Stream(call, events, operation, eventBytesMax, response);
      await data.open().catch((cause: unknown) => {
        if (cause instanceof Failed) throw cause;
        throw new Failed(call.explain(cause), !call.isOver);
      });
      return { response, data };
    }),
  );
}

/** All attempts of a call. `read` makes the result of a reply with a status of 2xx. */
async function drive<T>(
  client: Client,
  route: Route,
  args: Args,
  options: RequestOptions | undefined,
  accept: string,
  deadline: Deadline,
  read: (call: Call, response: Response) => Promise<Replied<T>>,
): Promise<Replied<T>> {
  const { url, init } = buildRequest(client, route, args, options, accept);
  const call = new Call(client, options);
  const rules = {
    maxRetries: options?.maxRetries ?? client.maxRetries,
    delayMaxMs: client.options.retryDelayMaxMs ?? 8_000,
    totalAt: call.totalAt,
    now,
    random: Math.random,
    sleep: (ms: number) => call.sleep(ms),
  };
  const attempt = async (number: number): Promise<Replied<T>> => {
    call.begin(number, deadline === 'first_event' ? call.timeouts.firstEventMs : Infinity, deadline);
    const response = await send(client, call, url, init);
    if (response.ok) {
      const replied = await read(call, response);
      warn(client, response.headers, init.body);
      return replied;
    }
    const body = await readError(response, () => call.watch('idle', call.timeouts.idleMs));
    await settled();
    if (call.isAborted) throw call.failures.aborted(call.controller.signal.reason);
    const again = !call.isOver && shouldRetry(response.status, response.headers);
    throw new Failed(call.failures.status(response, body), again, retryAfterMs(response.headers, Date.now()));
  };
  try {
    const replied = await run(rules, attempt);
    // A stream goes on; it ends its call itself.
    if (deadline === 'total') call.end();
    return replied;
  } catch (error) {
    call.end();
    throw error;
  }
}

async function send(client: Client, call: Call, url: string, init: RequestInit): Promise<Response> {
  const fetch = client.options.fetch ?? globalThis.fetch;
  const dispatcher = client.options.fetch ? undefined : dispatcherOf(client);
  try {
    const response = await fetch(url, { ...dispatcher, ...init, signal: call.controller.signal });
    call.failures.response = response;
    return response;
  } catch (cause) {
    throw new Failed(call.explain(cause), !call.isOver);
  }
}

function decode(call: Call, operation: Operation<unknown>, response: Response, body: Uint8Array): unknown {
  const { reply = 'json' } = operation;
  if (reply === 'none' || (operation.nothing && !body.length)) return undefined;
  if (reply === 'bytes') return body;
  const type = response.headers.get('content-type') ?? 'no content type';
  let text = '';
  let value: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(body);
    value = reply === 'text' ? text : JSON.parse(text);
  } catch (cause) {
    const what = text || !body.length ? 'JSON' : 'UTF-8';
    throw call.failures.decode(
      `the reply is not ${what} (${type}, ${body.length} bytes)`,
      text,
      cause,
    ) satisfies APIError;
  }
  if (reply === 'json' && (typeof value !== 'object' || value === null || Array.isArray(value))) {
    throw call.failures.decode(
      `the reply is not a JSON object (${type}, ${body.length} bytes)`,
      text,
    ) satisfies APIError;
  }
  return hide(value, operation.secrets);
}
