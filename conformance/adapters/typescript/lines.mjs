// The lines of conformance/PROTOCOL.md, for every adapter on Node. Start at `serve`.
//
// Nothing here knows an SDK: an adapter passes a function that makes the client, and one that makes a call with it.

import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';

/**
 * Says hello, then answers line by line until its input ends.
 *
 * `makeClient(request)` may throw. `call(client, request, outcome, signal)` writes down what comes as it comes, so that it is there
 * if the call is left. `describe(error)` returns undefined for an error that is none of the SDK's own.
 */
export async function serve({ client, version, makeClient, call, describe }) {
  const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);
  say({ protocol: 1, client, version, cannot: [] });
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line);
    say({ id: request.id, results: await answer(request, makeClient, call, describe) });
  }
}

async function answer(request, makeClient, call, describe) {
  const failed = (error) => ({ error: describe(error) ?? foreign(error) });
  let client;
  try {
    client = makeClient(request);
  } catch (error) {
    return Array.from({ length: request.times }, () => failed(error));
  }
  const outcomes = [];
  for (let index = 0; index < request.times; index++) {
    if (index > 0) await wait(request.pause_ms);
    const outcome = {};
    // Leaving is what a page does that is closed: its signal aborts.
    const leaving = new AbortController();
    const limit = request.abandon_after_ms;
    const timer = limit === null ? undefined : setTimeout(() => leaving.abort(), limit);
    try {
      await call(client, request, outcome, leaving.signal);
    } catch (error) {
      if (!leaving.signal.aborted) Object.assign(outcome, failed(error));
    }
    clearTimeout(timer);
    outcomes.push(outcome);
  }
  return outcomes;
}

/** An error that is none of the SDK's own; no scenario accepts it. */
function foreign(error) {
  return { class: `foreign: ${error?.constructor?.name ?? typeof error}`, message: String(error?.message ?? error).slice(0, 500) };
}
