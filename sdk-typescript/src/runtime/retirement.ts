/**
 * That a model is deprecated, said once: replies have it in `Deprecation` (RFC 9745) and `Sunset` (RFC 8594). Start at `warn`.
 *
 * What the headers say is shown as days, never as it came: a warning ends up in logs.
 */

import type { Client } from './client.js';

/** Of one client, and of those made from it. Who asks for more models than this has been told. */
const MODELS_MAX = 100;

const told = new WeakMap<object, Set<string>>();

/** Warns of a reply's model, if it is deprecated and nobody has said so. `body` is the request's. */
export function warn(client: Client, headers: Headers, body: unknown): void {
  const deprecated = headers.get('deprecation');
  const sunset = headers.get('sunset');
  if (deprecated === null && sunset === null) return;
  const model = modelOf(body);
  let models = told.get(client.pool);
  if (!models) told.set(client.pool, (models = new Set()));
  if (models.has(model) || models.size >= MODELS_MAX) return;
  models.add(model);
  const name = model ? `model ${JSON.stringify(model)}` : 'what was asked for';
  const says: string[] = [];
  if (deprecated !== null)
    says.push(`is deprecated${day(' as of ', Number(/^@(\d{1,12})$/.exec(deprecated)?.[1]) * 1000)}`);
  if (sunset !== null) says.push(`will be shut down${day(' on ', Date.parse(sunset))}`);
  console.warn(`novai: ${name} ${says.join(' and ')}; use another`);
}

function day(word: string, ms: number): string {
  // Up to the year 9999: beyond it a day is written in another way, and planned by nobody.
  return ms < 253_402_300_800_000 ? word + new Date(ms).toISOString().slice(0, 10) : '';
}

function modelOf(body: unknown): string {
  if (typeof body !== 'string') return '';
  try {
    const { model } = JSON.parse(body) as { model?: unknown };
    return typeof model === 'string' ? model : '';
  } catch {
    return '';
  }
}
