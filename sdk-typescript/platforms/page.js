// Runs in the page: the guard for keys, a stream, and an end by the user. The page's server passes calls on to the gateway.

import { NovAI } from 'novai';

const results = {};
try {
  new NovAI({ apiKey: 'sk-anyone' });
} catch (error) {
  results.guard = String(error);
}

const client = new NovAI({
  // The page's server puts the real key in its place.
  apiKey: 'sk-of-the-page',
  baseURL: new URL('/v1', location.href).href,
  dangerouslyAllowBrowser: true,
});
const request = { model: 'novai-sim', messages: [{ role: 'user', content: 'Hello!' }], stream: true };
try {
  const stream = await client.chat.completions.create(request);
  results.events = 0;
  results.text = '';
  for await (const chunk of stream) {
    results.events += 1;
    results.text += chunk.choices[0]?.delta?.content ?? '';
  }
  results.final = (await stream.final()).choices[0].finish_reason;

  const controller = new AbortController();
  const slow = await client.chat.completions.create(
    { ...request, model: 'novai-sim-slow' },
    { signal: controller.signal },
  );
  controller.abort();
  try {
    await slow.final();
  } catch (error) {
    results.aborted = error.name;
  }
} catch (error) {
  results.error = String(error);
}
await fetch('/results', { method: 'POST', body: JSON.stringify(results) });
