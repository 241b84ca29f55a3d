// A function that the model may call. A kind of call that this version does not know is told apart, not mistaken for one.

import { NovAI } from 'novai';

const client = new NovAI();

const completion = await client.chat.completions.create({
  model: process.env['NOVAI_MODEL'] ?? 'novai-sim',
  messages: [{ role: 'user', content: 'What is the weather in Paris?' }],
  tools: [
    {
      type: 'function',
      function: {
        name: 'get_weather',
        parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
      },
    },
  ],
});

for (const call of completion.choices[0]?.message.tool_calls ?? []) {
  switch (call.type) {
    case 'function':
      console.log(call.function.name, JSON.parse(call.function.arguments));
      break;
    case 'custom':
      console.log(call.custom.name, call.custom.input);
      break;
    default:
      console.log('unknown kind of call', String(call.type));
  }
}
