/**
 * Node's own settings for connections. Start at `dispatcherOf`.
 *
 * Node's `fetch` waits 10 s for a connection, and gives up on a reply that is silent for 300 s, whatever the caller's
 * deadlines are. It can be told otherwise only by an agent of its own make, whose class is found through the global one.
 * Where there is none, or it was replaced (by a proxy's, or a test's), nothing is changed.
 */

import type { Client } from './client.js';

type Agent = new (options: object) => object;

const agents = new WeakMap<object, object>();

/** What to add to the options of `fetch`. */
export function dispatcherOf(client: Client): object | undefined {
  const globals = globalThis as unknown as Record<symbol, { constructor: Agent } | undefined>;
  // Node loads its `fetch`, and the agent with it, when one of its classes is first used.
  void Headers;
  const known = globals[Symbol.for('undici.globalDispatcher.1')];
  if (known?.constructor.name !== 'Agent') return undefined;
  const { connectMs } = client.timeouts;
  // Clients made from another share its connections.
  const owner = client.pool;
  let agent = agents.get(owner);
  if (!agent) {
    const timeout = Number.isFinite(connectMs) ? connectMs : 0;
    agent = new known.constructor({ connect: { timeout }, headersTimeout: 0, bodyTimeout: 0 });
    agents.set(owner, agent);
  }
  return { dispatcher: agent };
}
