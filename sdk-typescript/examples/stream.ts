// A stream: its text as it comes, then everything put together, as if it had not been streamed.

import { NovAI, StreamTruncatedError } from 'novai';

const client = new NovAI();

const stream = await client.chat.completions.create({
  model: process.env['NOVAI_MODEL'] ?? 'novai-sim',
  messages: [{ role: 'user', content: 'Count to three.' }],
  stream: true,
  stream_options: { include_usage: true },
});

try {
  for await (const text of stream.textDeltas()) process.stdout.write(text);
  const completion = await stream.final();
  console.log('\n', completion.choices[0]?.finish_reason, completion.usage?.total_tokens);
} catch (error) {
  // What came until then is kept.
  if (error instanceof StreamTruncatedError) console.log(error.eventsReceived, error.partial);
  throw error;
}
