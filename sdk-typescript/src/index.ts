/** Client for the NovAI AI gateway, and for any server that speaks OpenAI's chat API. */

export * from './generated/index.js';
export { NovAI as default } from './generated/client.js';
export { Client, DEFAULT_BASE_URL, type ClientOptions } from './runtime/client.js';
export * from './runtime/errors.js';
export type { Uploadable } from './runtime/multipart.js';
export type { WaitOptions } from './runtime/jobs.js';
export type { RequestOptions } from './runtime/options.js';
export { Page, type PagePromise } from './runtime/pages.js';
export type { Quota, RateLimit } from './runtime/rate_limit.js';
export { APIPromise, type WithResponse } from './runtime/response.js';
export { Stream } from './runtime/stream.js';
export type { Deadline, Timeouts } from './runtime/timeout.js';
export type { UnknownTag, UnknownVariant } from './runtime/unknown.js';
