/**
 * Reads the error bodies that are met in the wild: ours (OpenAI's shape), and those of proxies and frameworks.
 *
 * Start at `describe`. Nothing here fails: a body that says nothing still makes a message.
 */

import { errorStatuses } from '../generated/error_statuses.js';

interface Found {
  message?: string | undefined;
  code?: string | undefined;
  type?: string | undefined;
  param?: string | undefined;
}

/** Message, code, type and param of a body; `fallback` is the message where the body has none. */
export function describe(body: string, fallback: string): Found & { message: string } {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    // HTML, plain text, or cut off.
  }
  const found = find(parsed, 0);
  return { ...found, message: found.message ?? fallback };
}

/**
 * The status that an error event would have had as a reply. A number in `code` says it (OpenRouter); otherwise the code or
 * its family does.
 */
export function impliedStatus({ code = '', type = '' }: Found): number | undefined {
  if (/^[45]\d\d$/.test(code)) return Number(code);
  const of = (name: string) => (Object.hasOwn(errorStatuses, name) ? errorStatuses[name] : undefined);
  return of(code) ?? of(type);
}

// Nesting that no server means.
const DEPTH_MAX = 4;

function find(body: unknown, depth: number): Found {
  if (depth > DEPTH_MAX) return {};
  // Gemini wraps its error in an array.
  if (Array.isArray(body)) return find(body[0], depth + 1);
  if (typeof body === 'string') return { message: someText(body) };
  if (typeof body !== 'object' || !body) return {};
  const { error } = body as { error?: unknown };
  if (typeof error === 'string') return { ...findIn(body), message: someText(error) };
  return findIn(error && typeof error === 'object' && !Array.isArray(error) ? error : body);
}

function findIn(error: object, depth = 0): Found {
  const fields = error as Record<string, unknown>;
  const text = (name: string) => {
    const value = fields[name];
    return typeof value === 'number' ? String(value) : someText(value);
  };
  return {
    message: text('message') ?? (depth > DEPTH_MAX ? undefined : detail(fields['detail'], depth)),
    code: text('code'),
    type: text('type'),
    param: text('param'),
  };
}

/** FastAPI's `detail`: a text, or a list of `{loc, msg}`. */
function detail(value: unknown, depth: number): string | undefined {
  if (Array.isArray(value)) {
    const messages = value.map((item: { msg?: unknown } | null) => item?.msg);
    return someText(messages.filter((message) => typeof message === 'string').join('; '));
  }
  return value && typeof value === 'object' ? findIn(value, depth + 1).message : someText(value);
}

function someText(text: unknown): string | undefined {
  return typeof text === 'string' && text.trim() ? text : undefined;
}
