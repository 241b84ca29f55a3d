/** A client over an operation written by hand: no test of the runtime depends on the API's description. */

import { APPEND_TEXT } from '../src/runtime/accumulate.js';
import { Client, type ClientOptions } from '../src/runtime/client.js';
import { NovAIError } from '../src/runtime/errors.js';
import type { Operation, PageOperation, StreamOperation } from '../src/runtime/operation.js';
import type { RequestOptions } from '../src/runtime/options.js';
import { request, stream } from '../src/runtime/transport.js';
import type { Server } from './scripted.js';

export const KEY = 'sk-novai-0123456789abcdef';

export interface Delta {
  text: string;
}

export const ECHO: Operation<Delta> = { method: 'POST', path: '/echo' };
export const STREAM: StreamOperation<Delta, Delta> = {
  method: 'POST',
  path: '/echo',
  terminal: '[DONE]',
  plan: [{ fields: { text: APPEND_TEXT }, dues: { absent: { text: '' } } }],
  text: ['text'],
};
export const LINES: StreamOperation<Delta, Delta> = {
  method: 'POST',
  path: '/echo',
  plan: STREAM.plan!,
  lines: true,
};
export const PAGES: PageOperation<{ id: string }> = {
  method: 'GET',
  path: '/items',
  items: 'data',
  cursorParam: 'after',
  hasMore: 'has_more',
};

/** Nobody waits in a test: retries come at once. */
export const client = (server: Pick<Server, 'url'>, options: ClientOptions = {}): Client =>
  new Client({ apiKey: KEY, baseURL: server.url, retryDelayMaxMs: 0, ...options });

export const echo = (to: Client, options?: RequestOptions) => request(to, ECHO, { body: { text: 'hi' } }, options);

export const open = (to: Client, operation = STREAM, options?: RequestOptions) =>
  stream(to, operation, { body: { text: 'hi' } }, options);

/** Of a call: its result, or its error. Of a stream: the text that came before. */
export interface Outcome {
  text: string;
  result?: Delta;
  error?: NovAIError;
}

export async function call(to: Client): Promise<Outcome> {
  try {
    return { text: '', result: await echo(to) };
  } catch (error) {
    return { text: '', error: ours(error) };
  }
}

/** A stream, read to its end. */
export async function read(to: Client, operation = STREAM): Promise<Outcome> {
  let text = '';
  try {
    const events = await open(to, operation);
    for await (const event of events) text += event.text;
    return { text, result: await events.final() };
  } catch (error) {
    return { text, error: ours(error) };
  }
}

/** Law A2: no other error escapes. */
function ours(error: unknown): NovAIError {
  if (error instanceof NovAIError) return error;
  throw error;
}
