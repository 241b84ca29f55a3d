/** What generated namespaces are made of. */

import type { Client } from './client.js';

/** A namespace of the API. Its methods call the generated functions with its client. */
export class Resource {
  /** Not enumerable: a resource shows nothing when it is logged. */
  declare protected readonly client: Client;

  constructor(client: Client) {
    Object.defineProperty(this, 'client', { value: client });
  }
}
