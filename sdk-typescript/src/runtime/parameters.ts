/**
 * Writes the few parameters and bodies that the rest of the runtime does not write by itself: objects in one value, cookies,
 * and bodies that are JSON or a form, as their contents ask. Of these, a bundle has only what its operations use.
 *
 * @module
 */

type Json = Record<string, unknown>;

/** `a,b` for a list, `key,value,key,value` for an object. */
export function joined(value: unknown, separator: string): unknown {
  const parts = isObject(value) ? Object.entries(value).flat() : value;
  return Array.isArray(parts) ? parts.map(String).join(separator) : value;
}

/** The header in which cookies are sent; none of them, no header. */
export function cookies(values: Json): string | undefined {
  const set = Object.entries(values).filter(([, value]) => value !== undefined && value !== null);
  return set.map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`).join('; ') || undefined;
}

/** Whether a body has files in it, at any depth, so that it cannot be sent as JSON. */
export function hasFiles(body: unknown): boolean {
  if (body instanceof Blob) return true;
  if (typeof body !== 'object' || body === null) return false;
  return Object.values(body).some(hasFiles);
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
