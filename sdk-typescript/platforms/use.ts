// What every platform runs and checks: a call, a stream, and what the stream adds up to.

import { type ChatCompletion, NovAI } from 'novai';

const client = new NovAI();
const request = { model: 'novai-sim', messages: [{ role: 'user' as const, content: 'Hello!' }] };

const whole: ChatCompletion = await client.chat.completions.create(request);
console.log('whole', JSON.stringify(whole.choices[0]?.message.content));

const stream = await client.chat.completions.create({
  ...request,
  stream: true,
  stream_options: { include_usage: true },
});
let text = '';
for await (const delta of stream.textDeltas()) text += delta;
console.log('stream', JSON.stringify(text));

const final = await stream.final();
console.log('final', final.choices[0]?.finish_reason, final.usage?.total_tokens);
