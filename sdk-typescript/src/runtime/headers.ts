/** Request headers, checked before they are sent: a `fetch` refuses odd ones with an error that does not name them. */

import { NovAIError } from './errors.js';

/** Names in lower case. null removes a header that was set before. */
export function cleanHeaders(...sets: (Readonly<Record<string, unknown>> | undefined)[]): Record<string, string> {
  const clean: Record<string, string> = {};
  for (const set of sets) {
    for (const [name, value] of Object.entries(set ?? {})) {
      const key = name.toLowerCase();
      const text = String(value);
      if (value === undefined) continue;
      if (!/^[!#$%&'*+\-.^_`|~\w]+$/.test(name))
        throw new NovAIError(`header ${JSON.stringify(name)}: not a name that can be sent`);
      if (!/^[\t\x20-\x7e]*$/.test(text)) {
        throw new NovAIError(`header ${name}: the value holds a character that is not printable ASCII`);
      }
      if (key === 'authorization') throw new NovAIError('header Authorization: set the API key instead');
      if (value === null) delete clean[key];
      else clean[key] = text;
    }
  }
  return clean;
}
