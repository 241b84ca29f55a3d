/**
 * What the headers of a reply say about the key's limits. Start at `rateLimitOf`.
 *
 * Two families are read: OpenAI's `x-ratelimit-{limit,remaining,reset}-{requests,tokens}`, and the IETF draft's
 * `RateLimit`/`RateLimit-Policy` with policies named `rpm` and `tpm`, where the first is absent. A malformed value is
 * ignored, as the draft asks; it never fails a reply.
 */

/** Limits on requests and on tokens, as of one reply. */
export interface RateLimit {
  /** Requests per minute (RPM). */
  readonly requests: Quota | undefined;
  /** Tokens per minute (TPM). */
  readonly tokens: Quota | undefined;
}

/** One limit. A field is `undefined` where the server does not say. */
export interface Quota {
  /** Most that the window admits. */
  readonly limit: number | undefined;
  /** What is left of it. */
  readonly remaining: number | undefined;
  /** Milliseconds until the window is whole again. */
  readonly resetMs: number | undefined;
}

/** `undefined` where the headers say nothing. */
export function rateLimitOf(headers: Headers): RateLimit | undefined {
  const requests = openai(headers, 'requests') ?? ietf(headers, 'rpm');
  const tokens = openai(headers, 'tokens') ?? ietf(headers, 'tpm');
  return requests || tokens ? { requests, tokens } : undefined;
}

function openai(headers: Headers, kind: string): Quota | undefined {
  const text = (name: string) => headers.get(`x-ratelimit-${name}-${kind}`);
  return quota(integer(text('limit')), integer(text('remaining')), parseDuration(text('reset')));
}

/** `RateLimit: "rpm";r=50;t=30` and `RateLimit-Policy: "rpm";q=60;w=60`; one header may list several policies. */
function ietf(headers: Headers, policy: string): Quota | undefined {
  const number = (header: string, key: string) => {
    for (const item of (headers.get(header) ?? '').split(',')) {
      const [name, ...parts] = item.split(';').map((part) => part.trim());
      if (name === `"${policy}"` || name === policy) {
        return integer(parts.find((part) => part.startsWith(key + '='))?.slice(2));
      }
    }
    return undefined;
  };
  const seconds = number('ratelimit', 't');
  return quota(number('ratelimit-policy', 'q'), number('ratelimit', 'r'), seconds && seconds * 1e3);
}

function quota(limit?: number, remaining?: number, resetMs?: number): Quota | undefined {
  const none = limit === undefined && remaining === undefined && resetMs === undefined;
  return none ? undefined : { limit, remaining, resetMs };
}

function integer(text: string | null | undefined): number | undefined {
  return text && /^\s*\d{1,15}\s*$/.test(text) ? Number(text) : undefined;
}

const unitMs: Record<string, number> = { d: 864e5, h: 36e5, m: 6e4, s: 1e3, ms: 1, us: 1e-3, µs: 1e-3, ns: 1e-6 };

/** Milliseconds in `6m0s`, `8.64s`, `132ms`, `1h2m3s`, or plain seconds; `undefined` if it is no duration. */
export function parseDuration(text: string | null | undefined): number | undefined {
  const number = '(\\d+\\.?\\d*|\\.\\d+)';
  const unit = '(d|h|ms|m|s|us|µs|ns)';
  text = text?.trim() ?? '';
  let ms = NaN;
  if (RegExp(`^${number}$`).test(text)) ms = Number(text) * 1e3;
  else if (RegExp(`^(${number}${unit})+$`).test(text)) {
    ms = 0;
    for (const [, digits, name] of text.matchAll(RegExp(number + unit, 'g'))) ms += Number(digits) * unitMs[name!]!;
  }
  // Beyond it a value is noise.
  return ms <= 1e15 ? ms : undefined;
}
