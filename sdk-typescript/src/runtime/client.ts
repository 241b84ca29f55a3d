/**
 * The client without its resources: a key, an address and the options that calls start from. Start at `Client`.
 *
 * It can be used as it is with the generated functions, `createChatCompletion(client, …)`, of which a bundler keeps only
 * those that are called. `NovAI` is generated: this client with one property for each resource.
 *
 * **Invariant:** nothing here names an operation, a path or a wire type.
 */

import { NovAIError } from './errors.js';
import { cleanHeaders } from './headers.js';
import { timeoutsOf, type AllTimeouts, type Timeouts } from './timeout.js';

export const DEFAULT_BASE_URL = 'http://127.0.0.1:8080/v1';

export interface ClientOptions {
  /** Default: the environment variable `NOVAI_API_KEY`. */
  apiKey?: string | undefined;
  /**
   * With the version in it, such as `https://gateway.example/v1`. Default: the environment variable `NOVAI_BASE_URL`, or
   * else `http://127.0.0.1:8080/v1`.
   */
  baseURL?: string | undefined;
  /** Milliseconds for a whole call, or each of the four deadlines. */
  timeout?: number | Timeouts | undefined;
  /** Attempts after the first. Zero turns retries off. @default 2 */
  maxRetries?: number | undefined;
  /** Longest wait between two attempts, in milliseconds; also caps what `Retry-After` asks for. @default 8000 */
  retryDelayMaxMs?: number | undefined;
  /** Largest single event that a stream buffers. @default 16 MiB */
  eventBytesMax?: number | undefined;
  /** Largest JSON reply that is read. @default 64 MiB */
  responseBytesMax?: number | undefined;
  /** Sent with every request. */
  defaultHeaders?: Record<string, string | null | undefined> | undefined;
  /** Query parameters of every request. */
  defaultQuery?: Record<string, unknown> | undefined;
  /** In place of the global `fetch`. */
  fetch?: typeof globalThis.fetch | undefined;
  /** Handed to `fetch` with every request: `dispatcher`, `credentials` and the like. */
  fetchOptions?: RequestInit | undefined;
  /** A key in a web page is anyone's who opens it. Say so if that is what you want. @default false */
  dangerouslyAllowBrowser?: boolean | undefined;
}

/** What a client was made with, checked. */
export class Client {
  /** Not enumerable, so that logging a client does not show it. */
  declare readonly apiKey: string;
  /** Stands for the connections, which clients made by `withOptions` share. @internal */
  declare readonly pool: object;
  /** The URL that paths are appended to, without a slash at its end. */
  readonly baseURL: string;
  readonly timeouts: AllTimeouts;
  readonly maxRetries: number;
  readonly options: Omit<ClientOptions, 'apiKey'>;

  /** Fails with a `NovAIError` if there is no key, or the key, the base URL or a header cannot be used. */
  constructor(options: ClientOptions = {}) {
    const { apiKey = env('NOVAI_API_KEY'), ...rest } = options;
    if (!apiKey) throw new NovAIError('no API key: set NOVAI_API_KEY or pass apiKey');
    if (!rest.dangerouslyAllowBrowser && 'document' in globalThis && 'window' in globalThis) {
      throw new NovAIError(
        'in a browser, anyone who opens the page gets the API key: call your own server, or set dangerouslyAllowBrowser',
      );
    }
    const key = apiKey.trim();
    if (!/^[\t\x20-\x7e]*$/.test(key)) {
      throw new NovAIError('API key: holds a line break or another character that a header cannot hold');
    }
    Object.defineProperty(this, 'apiKey', { value: key });
    Object.defineProperty(this, 'pool', { value: {}, configurable: true });
    this.baseURL = cleanUrl(rest.baseURL ?? env('NOVAI_BASE_URL') ?? DEFAULT_BASE_URL);
    this.timeouts = timeoutsOf(rest.timeout, {
      connectMs: 5_000,
      firstEventMs: 120_000,
      idleMs: 60_000,
      totalMs: 600_000,
    });
    this.maxRetries = rest.maxRetries ?? 2;
    cleanHeaders(rest.defaultHeaders);
    this.options = rest;
  }

  /** The same client with other options, for a part of a program. */
  withOptions(options: ClientOptions): this {
    const { apiKey, options: own } = this;
    const defaultHeaders = { ...own.defaultHeaders, ...options.defaultHeaders };
    const defaultQuery = { ...own.defaultQuery, ...options.defaultQuery };
    const timeout = timeoutsOf(options.timeout, this.timeouts);
    const Same = this.constructor as new (options: ClientOptions) => this;
    const same = new Same({ apiKey, ...own, ...options, defaultHeaders, defaultQuery, timeout });
    return Object.defineProperty(same, 'pool', { value: this.pool });
  }
}

/** An empty variable counts as absent: shells and compose files set them so. */
function env(name: string): string | undefined {
  const runtime = globalThis as {
    process?: { env?: Record<string, string | undefined> };
    Deno?: { env?: { get(name: string): string | undefined } };
  };
  return (runtime.process?.env?.[name] ?? runtime.Deno?.env?.get(name))?.trim() || undefined;
}

function cleanUrl(baseURL: string): string {
  let url: URL;
  try {
    url = new URL(baseURL);
  } catch {
    throw new NovAIError('base URL: is no URL');
  }
  if (!/^https?:$/.test(url.protocol)) throw new NovAIError('base URL: must begin with http:// or https://');
  if (url.username || url.password) {
    throw new NovAIError('base URL: must not hold a user name or a password; they would end up in logs');
  }
  if (url.search || url.hash) throw new NovAIError('base URL: must end with its path');
  return url.href.replace(/\/+$/, '');
}
