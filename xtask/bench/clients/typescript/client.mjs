// Makes calls with an SDK, so that its CPU per call and per chunk can be measured from outside. See ../python/client.py.

import { createInterface } from 'node:readline';

import { makeClient } from './sdk.mjs';

const messages = [{ role: 'user', content: 'Tell me about foxes.' }];
const [sdk, baseURL, key, model, warmUp, calls] = process.argv.slice(2);
const client = await makeClient(sdk, baseURL, key);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

async function call() {
  if (model.startsWith('bench-json-')) {
    const { choices } = await client.chat.completions.create({ model, messages });
    if (!choices[0].message.content) throw new Error('an answer without a text');
    return 1;
  }
  let chunks = 0;
  let characters = 0;
  for await (const chunk of await client.chat.completions.create({ model, messages, stream: true })) {
    characters += chunk.choices[0].delta.content?.length ?? 0;
    chunks += 1;
  }
  if (!characters) throw new Error('a stream without a text');
  return chunks;
}

async function isAskedForMore(line) {
  console.log(line);
  return !(await lines.next()).done;
}

for (let index = 0; index < Number(warmUp); index++) await call();
let line = 'ready';
while (await isAskedForMore(line)) {
  let done = 0;
  for (let index = 0; index < Number(calls); index++) done += await call();
  line = `done ${done}`;
}
process.exit(0);
