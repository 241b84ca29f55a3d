/** Keeps the secrets of a reply out of logs. Start at `hide`. */

/** What `console.log` and `util.inspect` ask an object for; Deno and Bun do, too. */
const inspect = Symbol.for('nodejs.util.inspect.custom');

/**
 * Has `console.log` show `[redacted]` in place of these fields, wherever in the value they are. To read them, to copy the
 * value or to write it as JSON is as before.
 */
export function hide<T>(value: T, secrets: readonly string[] | undefined): T {
  // Every event of a stream comes by here.
  if (!secrets) return value;
  const open: unknown[] = [value];
  while (open.length) {
    const item = open.pop();
    if (typeof item !== 'object' || item === null) continue;
    for (const part of Object.values(item)) open.push(part);
    if (secrets.some((name) => Object.hasOwn(item, name)))
      Object.defineProperty(item, inspect, { value: () => shown(item, secrets) });
  }
  return value;
}

function shown(item: object, secrets: readonly string[]): object {
  return Object.fromEntries(
    Object.entries(item).map(([name, value]) => [name, value != null && secrets.includes(name) ? '[redacted]' : value]),
  );
}
