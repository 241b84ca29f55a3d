// The same call without namespaces: a bundler keeps this function and nothing of the other operations.

import { Client, createChatCompletion } from 'novai';

const client = new Client();

const stream = await createChatCompletion(client, {
  model: process.env['NOVAI_MODEL'] ?? 'novai-sim',
  messages: [{ role: 'user', content: 'Hello!' }],
  stream: true,
});
for await (const chunk of stream) console.log(chunk.choices[0]?.delta?.content ?? '');
