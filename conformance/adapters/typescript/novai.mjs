// The conformance adapter of the SDK for TypeScript, on Node: lines in, calls, lines out. Nothing is judged or repaired here.

import { readFileSync } from 'node:fs';

// What is published as `novai`, compiled and not packed: a lock file that named the folder would have to follow each change in it.
import { NovAI, NovAIError } from '../../../sdk-typescript/dist/esm/index.js';

import { serve } from './lines.mjs';

const { version } = JSON.parse(readFileSync(new URL('../../../sdk-typescript/package.json', import.meta.url), 'utf8'));

function makeClient(request) {
  const { max_retries: maxRetries, retry_delay_max_ms: retryDelayMaxMs, timeouts_ms: limits } = request.options;
  return new NovAI({
    apiKey: request.api_key ?? undefined,
    baseURL: request.base_url,
    maxRetries,
    retryDelayMaxMs,
    timeout: {
      connectMs: limits.connect,
      firstEventMs: limits.first_event,
      idleMs: limits.idle,
      totalMs: limits.total,
    },
  });
}

async function call(client, request, outcome, signal) {
  const options = { signal, headers: request.headers, idempotencyKey: request.options.idempotency_key };
  switch (request.op) {
    case 'chat.create':
      return answered(outcome, client.chat.completions.create(request.params, options));
    case 'embeddings.create':
      return answered(outcome, client.embeddings.create(request.params, options));
    case 'models.list':
      return answered(outcome, client.models.list(options));
    case 'models.retrieve':
      return answered(outcome, client.models.retrieve(request.params.model, options));
    case 'chat.stream':
      return stream(client, request, options, outcome);
  }
}

async function answered(outcome, promise) {
  const { data, requestId, rateLimit } = await promise.withResponse();
  Object.assign(outcome, { result: data, request_id: requestId, rate_limit: limits(rateLimit) });
}

async function stream(client, request, options, outcome) {
  outcome.events = [];
  const chunks = await client.chat.completions.create(request.params, options);
  outcome.request_id = chunks.requestId;
  outcome.rate_limit = limits(chunks.rateLimit);
  for await (const chunk of chunks) {
    outcome.events.push(chunk);
    if (outcome.events.length === request.abandon_after_events) return;
  }
  outcome.result = await chunks.final();
}

function describe(error) {
  if (!(error instanceof NovAIError)) return undefined;
  return {
    class: error.name,
    status: error.statusCode,
    type: error.type,
    code: error.code,
    param: error.param,
    message: error.message,
    request_id: error.requestId,
    retry_after_ms: error.retryAfterMs,
    events_received: error.eventsReceived,
    partial: error.partial,
    rate_limit: limits(error.rateLimit),
    deadline: error.deadline,
  };
}

function limits(rateLimit) {
  if (rateLimit === undefined) return undefined;
  const quota = (given) => given && { limit: given.limit, remaining: given.remaining, reset_ms: given.resetMs };
  return { requests: quota(rateLimit.requests), tokens: quota(rateLimit.tokens) };
}

await serve({ client: 'typescript', version, makeClient, call, describe });
