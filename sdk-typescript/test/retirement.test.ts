/** That a reply's model is deprecated is warned of once, from calls and from streams. */

import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';

import { Client } from '../src/runtime/client.js';
import { warn } from '../src/runtime/retirement.js';
import { KEY, client, echo, open } from './echo.js';
import { DONE, JSON_HEAD, complete, reply, serve } from './scripted.js';

const SUNSET = 'Wed, 31 Mar 2027 00:00:00 GMT';
const HEADERS = `deprecation: @1796083200\r\nsunset: ${SUNSET}\r\n`;
const OK = '{"text":"hello"}';

/** What the console is told from now on, in this test. */
function lines(t: TestContext): string[] {
  const said: string[] = [];
  t.mock.method(console, 'warn', (line: string) => said.push(line));
  return said;
}

test('what is said', (t) => {
  const said = lines(t);
  for (const [deprecation, sunset, body, expected] of [
    [undefined, undefined, '{"model":"old"}', undefined],
    ['@1796083200', undefined, '{"model":"o\\"ld"}', 'model "o\\"ld" is deprecated as of 2026-12-01'],
    [
      '@951782400',
      SUNSET,
      '{"model":"old"}',
      'model "old" is deprecated as of 2000-02-29 and will be shut down on 2027-03-31',
    ],
    [undefined, SUNSET, undefined, 'what was asked for will be shut down on 2027-03-31'],
    // Days that are none stay unsaid, and what they are instead is not repeated.
    ['true', 'soon', '{"model":"old"}', 'model "old" is deprecated and will be shut down'],
    ['@999999999999', undefined, '{"model":7}', 'what was asked for is deprecated'],
  ] as const) {
    const headers = new Headers({ ...(deprecation && { deprecation }), ...(sunset && { sunset }) });
    warn(new Client({ apiKey: KEY }), headers, body);
    assert.deepEqual(said.splice(0), expected ? [`novai: ${expected}; use another`] : []);
  }
});

test('each model is told once', async (t) => {
  const said = lines(t);
  const [stream] = complete(OK, DONE);
  const answer = reply('200 OK', JSON_HEAD + HEADERS, OK);
  await using server = await serve(answer, answer, [String(stream).replace('x-request-id', `${HEADERS}x-request-id`)]);
  const to = client(server);
  const old = { extraBody: { model: 'old' } };
  await echo(to, old);
  await echo(to.withOptions({ maxRetries: 0 }), old);
  await (await open(to, undefined, old)).final();
  assert.equal(server.requests.length, 3);
  assert.deepEqual(said, [
    'novai: model "old" is deprecated as of 2026-12-01 and will be shut down on 2027-03-31; use another',
  ]);
});

test('not endlessly many', (t) => {
  const said = lines(t);
  const to = new Client({ apiKey: KEY });
  for (let n = 0; n < 105; n++) warn(to, new Headers({ deprecation: '@0' }), `{"model":"m${n}"}`);
  warn(to, new Headers({ deprecation: '@0' }), '{"model":"m0"}');
  assert.equal(said.length, 100);
});
