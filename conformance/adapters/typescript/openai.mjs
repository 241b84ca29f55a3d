// A conformance adapter of OpenAI's own client for Node: what its users get, in the protocol's words.
//
// It has one deadline, up to the response head. What its errors do not hold, and what its accumulator does not make of the
// chunks, is reported as absent.

import OpenAI from 'openai';
import { ChatCompletionStream } from 'openai/lib/ChatCompletionStream';
import { VERSION } from 'openai/version';

import { serve } from './lines.mjs';

const ACCUMULATED_MAX = 500;

function makeClient(request) {
  const { max_retries: maxRetries, timeouts_ms: limits } = request.options;
  const timeout = limits.total ?? (request.op === 'chat.stream' ? limits.first_event ?? limits.idle : undefined) ?? limits.connect;
  return new OpenAI({
    apiKey: request.api_key ?? undefined,
    baseURL: request.base_url,
    maxRetries,
    ...(timeout === undefined ? {} : { timeout }),
  });
}

function callOptions(request, signal) {
  const key = request.options.idempotency_key;
  return { signal, headers: request.headers, ...(key === undefined ? {} : { idempotencyKey: key }) };
}

async function call(client, request, outcome, signal) {
  const options = callOptions(request, signal);
  switch (request.op) {
    case 'chat.create':
      return answered(outcome, client.chat.completions.create(request.params, options));
    case 'embeddings.create':
      return answered(outcome, client.embeddings.create(request.params, options));
    case 'models.list': {
      // A page is a class with getters; its fields are those of the body.
      const { data: page, request_id } = await client.models.list(options).withResponse();
      return Object.assign(outcome, { result: page.body, request_id });
    }
    case 'models.retrieve':
      return answered(outcome, client.models.retrieve(request.params.model, options));
    case 'chat.stream':
      return stream(client, request, options, outcome);
  }
}

async function answered(outcome, promise) {
  const { data, request_id } = await promise.withResponse();
  return Object.assign(outcome, { result: data, request_id });
}

async function stream(client, request, options, outcome) {
  outcome.events = [];
  const { data: chunks, request_id } = await client.chat.completions.create(request.params, options).withResponse();
  outcome.request_id = request_id;
  for await (const chunk of chunks) {
    outcome.events.push(chunk);
    if (outcome.events.length === request.abandon_after_events) return;
  }
  // What its `stream` helper puts together, for users that want that and the events as they came.
  // It copies what there is with every chunk: thousands take it half a minute.
  if (outcome.events.length > ACCUMULATED_MAX) return;
  const whole = ChatCompletionStream.fromReadableStream(lines(outcome.events)).finalChatCompletion();
  outcome.result = await whole.catch(() => undefined);
}

function lines(events) {
  const text = events.map((event) => `${JSON.stringify(event)}\n`).join('');
  return new Blob([text]).stream();
}

function describe(error) {
  if (!(error instanceof OpenAI.OpenAIError)) return undefined;
  const name = error.constructor.name;
  return {
    // Its base class has our base class's part.
    class: name === 'OpenAIError' ? 'NovAIError' : name === 'APIConnectionTimeoutError' ? 'APITimeoutError' : name,
    status: error.status,
    type: error.type,
    code: error.code,
    param: error.param,
    message: error.message,
    request_id: error.requestID,
  };
}

await serve({ client: 'openai-node', version: VERSION, makeClient, call, describe });
