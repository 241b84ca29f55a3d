// One answer, with what its reply says about the request and the key's limits.

import { NovAI } from 'novai';

// NOVAI_API_KEY, and NOVAI_BASE_URL unless the gateway is at http://127.0.0.1:8080/v1.
const client = new NovAI();

const { data, requestId, rateLimit } = await client.chat.completions
  .create({
    model: process.env['NOVAI_MODEL'] ?? 'novai-sim',
    messages: [{ role: 'user', content: 'Why is the sky blue?' }],
    max_completion_tokens: 64,
  })
  .withResponse();

console.log(data.choices[0]?.message.content, data.usage?.total_tokens);
console.log(requestId, rateLimit?.requests?.remaining);
