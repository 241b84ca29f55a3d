/** An operation and its arguments as a request. Start at `buildRequest`. */

import type { Client } from './client.js';
import { NovAIError } from './errors.js';
import { cleanHeaders } from './headers.js';
import { form } from './multipart.js';
import type { Args, Route } from './operation.js';
import type { RequestOptions } from './options.js';

export const VERSION = '0.1.0';

export interface Built {
  url: string;
  init: RequestInit;
}

/** The same for every attempt: an `Idempotency-Key` covers them all. */
export function buildRequest(
  client: Client,
  route: Route,
  args: Args,
  options: RequestOptions | undefined,
  accept: string,
): Built {
  const headers = cleanHeaders(
    { accept, 'user-agent': 'document' in globalThis ? undefined : `novai-typescript/${VERSION}` },
    client.options.defaultHeaders,
    args.headers,
    options?.headers,
  );
  headers['authorization'] = `Bearer ${client.apiKey}`;
  if (route.method === 'POST' && !headers['idempotency-key']) {
    Object.assign(headers, cleanHeaders({ 'idempotency-key': options?.idempotencyKey ?? `novai-${uuid()}` }));
  }
  // Redirects would carry prompt and key to wherever they point.
  const init: RequestInit = { ...client.options.fetchOptions, method: route.method, headers, redirect: 'manual' };
  const body = encodeBody(route, args.body, options?.extraBody);
  if (body !== undefined) {
    init.body = body;
    // A form's type has its boundary in it, which only `fetch` knows.
    if (!(body instanceof FormData)) headers['content-type'] ??= route.bodyType ?? 'application/json';
  }
  const query = new URLSearchParams();
  for (const values of [client.options.defaultQuery, args.query, options?.query]) {
    for (const [name, value] of Object.entries(values ?? {})) {
      query.delete(name);
      addQuery(query, name, value, route.joined?.[name]);
    }
  }
  const search = query.size ? `?${query}` : '';
  return { url: client.baseURL + fillPath(route.path, args.path) + search, init };
}

function fillPath(path: string, values: Args['path']): string {
  return path.replace(/\{([^}]*)\}/g, (_, name: string) => {
    const value = String(values?.[name] ?? '');
    // An empty segment would be another path, and so would these dots: a URL is tidied before it is sent.
    if (/^\.{0,2}$/.test(value)) throw new NovAIError(`${name}: ${JSON.stringify(value)} cannot be part of a path`);
    return encodeURIComponent(value);
  });
}

/** Lists are repeated or joined, objects become `name[key]=value`. */
function addQuery(query: URLSearchParams, name: string, value: unknown, separator: string | undefined): void {
  if (value === undefined || value === null) return;
  if (Array.isArray(value)) {
    if (separator !== undefined) query.append(name, value.join(separator));
    else for (const item of value) addQuery(query, name, item, undefined);
  } else if (value instanceof Date) {
    query.append(name, value.toISOString());
  } else if (typeof value === 'object') {
    for (const [key, item] of Object.entries(value)) addQuery(query, `${name}[${key}]`, item, separator);
  } else {
    query.append(name, String(value));
  }
}

function encodeBody(route: Route, body: unknown, extra: RequestOptions['extraBody']): RequestInit['body'] | undefined {
  const type = route.bodyType ?? 'application/json';
  if (body === undefined && !extra) return undefined;
  if (type === 'multipart/form-data') return form({ ...(body as object), ...extra });
  if (type === 'application/x-www-form-urlencoded') {
    const fields = new URLSearchParams();
    for (const [name, value] of Object.entries({ ...(body as object), ...extra }))
      addQuery(fields, name, value, undefined);
    return fields;
  }
  if (!/[/+]json$/.test(type)) return body as RequestInit['body'];
  try {
    return JSON.stringify(extra ? { ...(body as object), ...extra } : body);
  } catch (error) {
    // A cycle, or a bigint.
    throw new NovAIError(`the body cannot be sent as JSON: ${(error as Error).message}`);
  }
}

function uuid(): string {
  // Pages that are not served over TLS have no `randomUUID`.
  return globalThis.crypto?.randomUUID?.() ?? `${Math.random()}${Math.random()}`.replace(/0\./g, '');
}
