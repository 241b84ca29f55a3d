/** What the generated half makes of calls and replies. The network is a function; the runtime has tests of its own. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { format, inspect } from 'node:util';

import { NovAI } from '../src/index.js';

interface Sent {
  url: string;
  method: string | undefined;
  body: unknown;
}

/** A client whose requests are kept, and answered with `reply`. */
function fake(reply: string, type = 'application/json'): { client: NovAI; sent: Sent[] } {
  const sent: Sent[] = [];
  const fetch = async (url: unknown, init?: RequestInit): Promise<Response> => {
    const body: unknown = init?.body ? JSON.parse(String(init.body)) : undefined;
    sent.push({ url: String(url), method: init?.method, body });
    return new Response(reply, { headers: { 'content-type': type } });
  };
  const client = new NovAI({ apiKey: 'sk-test', baseURL: 'http://gateway.test/v1', fetch });
  return { client, sent };
}

const events = (...data: unknown[]) =>
  [...data.map((item) => JSON.stringify(item)), '[DONE]'].map((text) => `data: ${text}\n\n`).join('');

test('a path parameter is one segment, whatever is in it', async () => {
  const { client, sent } = fake('{"id":"a/b","object":"model"}');
  await client.models.retrieve('a/b?c#d');
  assert.equal(sent[0]?.url, 'http://gateway.test/v1/models/a%2Fb%3Fc%23d');
  await assert.rejects(async () => client.models.retrieve('..'), /cannot be part of a path/);
});

test('the body is sent as it is given, and extra fields are added', async () => {
  const { client, sent } = fake('{}');
  const messages = [{ role: 'user' as const, content: 'x' }];
  await client.chat.completions.create({ model: 'm', messages, stop: undefined }, { extraBody: { new_field: 1 } });
  assert.deepEqual(sent[0], {
    url: 'http://gateway.test/v1/chat/completions',
    method: 'POST',
    body: { model: 'm', messages, new_field: 1 },
  });
});

test('unknown fields and values of a reply are kept', async () => {
  const reply = { id: 'x', choices: [{ finish_reason: 'new_reason', extra: [1] }], later: { a: null } };
  const { client } = fake(JSON.stringify(reply));
  const completion = await client.chat.completions.create({ model: 'm', messages: [] });
  assert.deepEqual(completion, reply);
});

test('a new key is there, but no log shows it', async () => {
  const reply = { id: 'k1', object: 'key', prefix: 'sk-novai-ab', key: 'sk-novai-abcdef' };
  const { client } = fake(JSON.stringify(reply));
  const created = await client.admin.keys.create({ name: 'backend' });
  for (const text of [inspect(created), inspect({ created: [created] }), format('%o', created), format(created)]) {
    assert.match(text, /k1/);
    assert.match(text, /\[redacted\]/);
    assert.doesNotMatch(text, /abcdef/);
  }
  assert.equal(created.key, reply.key);
  assert.equal({ ...created }.key, reply.key);
  assert.deepEqual(JSON.parse(JSON.stringify(created)), reply);
});

test('pieces become one answer', async () => {
  const chunk = { id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm' };
  const piece = (index: number, delta: object, rest = {}) => ({ ...chunk, choices: [{ index, delta, ...rest }] });
  const call = (index: number, rest: object) => ({ tool_calls: [{ index, ...rest }] });
  const { client } = fake(
    events(
      piece(1, { role: 'assistant', content: 'B' }),
      piece(0, { role: 'assistant', content: 'A' }),
      piece(0, call(1, { id: 'two', function: { name: 'g', arguments: '' } })),
      piece(0, call(0, { id: 'one', type: 'function', function: { name: 'f', arguments: '{"a"' } })),
      piece(0, call(0, { function: { arguments: ':1}' } })),
      piece(0, { content: 'a' }, { finish_reason: 'tool_calls', novelty: true }),
      { ...chunk, choices: [], usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 }, obfuscation: 'xx' },
    ),
    'text/event-stream',
  );
  const stream = await client.chat.completions.create({ model: 'm', messages: [], stream: true });
  assert.deepEqual(await stream.final(), {
    id: 'c',
    object: 'chat.completion',
    created: 1,
    model: 'm',
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: 'Aa',
          tool_calls: [
            { id: 'one', type: 'function', function: { name: 'f', arguments: '{"a":1}' } },
            { id: 'two', type: 'function', function: { name: 'g', arguments: '' } },
          ],
        },
        finish_reason: 'tool_calls',
        novelty: true,
      },
      { index: 1, message: { role: 'assistant', content: 'B' } },
    ],
    usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
  });
});

test('a field named __proto__ is a field', async () => {
  const hostile =
    '{"id":"c","__proto__":{"polluted":1},"constructor":2,"choices":[{"index":0,"delta":{"__proto__":{"polluted":1}}}]}';
  const { client } = fake(`data: ${hostile}\n\ndata: [DONE]\n\n`, 'text/event-stream');
  const stream = await client.chat.completions.create({ model: 'm', messages: [], stream: true });
  const final = await stream.final();
  assert.equal(Object.getPrototypeOf(final), Object.prototype);
  assert.deepEqual(Object.getOwnPropertyDescriptor(final, '__proto__')?.value, { polluted: 1 });
  assert.equal(Object.getOwnPropertyDescriptor(final, 'constructor')?.value, 2);
  const message = final.choices[0]?.message;
  assert.equal(Object.getPrototypeOf(message), Object.prototype);
  assert.equal(({} as { polluted?: number }).polluted, undefined);
});

test('a namespace shows neither key nor client when it is logged', async () => {
  const { inspect } = await import('node:util');
  const { client } = fake('{}');
  assert.doesNotMatch(inspect(client, { depth: 9 }), /sk-test/);
});
