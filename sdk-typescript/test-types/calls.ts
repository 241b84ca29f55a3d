/**
 * What the compiler must say about calls and results. Nothing here runs: `npm run check` fails where a line marked as an
 * error is none, or a line that is not marked is one.
 */

import { Client, createChatCompletion, NovAI } from '../src/index.js';
import type {
  APIPromise,
  ChatCompletion,
  ChatCompletionChunk,
  ChatCompletionRequest,
  ModerationOutcome,
  Page,
  PagePromise,
  Stream,
} from '../src/index.js';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const is = <T extends true>(): T | void => undefined;

declare const client: NovAI;
declare const core: Client;
declare const request: ChatCompletionRequest;
declare const stream: boolean;
const model = 'm';
const messages = [{ role: 'user' as const, content: 'x' }];

type Chunks = Stream<ChatCompletionChunk, ChatCompletion>;

// `stream` narrows the result, with no annotation.
const { completions } = client.chat;
const whole = completions.create({ model, messages });
is<Equal<typeof whole, APIPromise<ChatCompletion>>>();
const unasked = completions.create({ model, messages, stream: false });
is<Equal<typeof unasked, APIPromise<ChatCompletion>>>();
const none = completions.create({ model, messages, stream: null });
is<Equal<typeof none, APIPromise<ChatCompletion>>>();
const asked = completions.create({ model, messages, stream: true });
is<Equal<typeof asked, APIPromise<Chunks>>>();
const either = completions.create({ model, messages, stream });
is<Equal<typeof either, APIPromise<ChatCompletion | Chunks>>>();
const unknown = completions.create(request);
is<Equal<typeof unknown, APIPromise<ChatCompletion | Chunks>>>();
const plain = createChatCompletion(core, { model, messages, stream: true });
is<Equal<typeof plain, APIPromise<Chunks>>>();

export async function results(): Promise<void> {
  const completion = await whole;
  // The first choice may not be there, and says so.
  // @ts-expect-error
  completion.choices[0].message;
  const events = await asked;
  for await (const chunk of events) is<Equal<typeof chunk, ChatCompletionChunk>>();
  const final = await events.final();
  is<Equal<typeof final, ChatCompletion>>();
  for await (const text of events.textDeltas()) is<Equal<typeof text, string>>();
  const { data, requestId } = await whole.withResponse();
  is<Equal<typeof data, ChatCompletion>>();
  is<Equal<typeof requestId, string | undefined>>();
}

export async function pages(list: PagePromise<string>): Promise<void> {
  for await (const item of list) is<Equal<typeof item, string>>();
  const page = await list;
  is<Equal<typeof page, Page<string>>>();
  for await (const item of page) is<Equal<typeof item, string>>();
}

// Requests are checked.
// @ts-expect-error `messages` is missing
completions.create({ model });
// @ts-expect-error no such field
completions.create({ model, messages, temprature: 1 });
// @ts-expect-error no such role
completions.create({ model, messages: [{ role: 'usr', content: 'x' }] });
// What a caller does not have may be passed on, and lists may be constants.
completions.create({ model, messages, temperature: undefined, stop: ['a', 'b'] as const });
completions.create({ model, messages }, { signal: undefined, maxRetries: 0, timeout: { idleMs: 1 } });
// Values that a newer server knows are welcome.
completions.create({ model, messages, reasoning_effort: 'a-new-level' });

/** Known tags narrow, unknown ones are left over, and neither is taken for the other. */
export function outcome(value: ModerationOutcome): string {
  // @ts-expect-error no variant has this tag
  if (value.type === 'nope') return '';
  if (value.type === 'error') return value.message;
  if (value.type === 'moderation_results') return value.model;
  const tag: string = value.type;
  return `${tag} ${String(value['anything'])}`;
}
