/** Calls with one reply, against a scripted server; configuration, secrets, redirects. */

import assert from 'node:assert/strict';
import { createServer, connect, type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { inspect } from 'node:util';

import { Client, type ClientOptions } from '../src/runtime/client.js';
import * as errors from '../src/runtime/errors.js';
import type { Operation } from '../src/runtime/operation.js';
import type { RequestOptions } from '../src/runtime/options.js';
import { pages } from '../src/runtime/pages.js';
import type { Timeouts } from '../src/runtime/timeout.js';
import { request } from '../src/runtime/transport.js';
import { ECHO, KEY, PAGES, call, client, echo, open, read } from './echo.js';
import { CLOSE, HOLD, JSON_HEAD, RESET, chunk, json, openStream, reply, serve, type Script } from './scripted.js';

const OK = '{"text":"hello","new":1}';
type Kind = typeof errors.NovAIError;

test('a result', async () => {
  const limits = 'x-ratelimit-remaining-requests: 7\r\nx-ratelimit-reset-requests: 6m0s\r\n';
  await using server = await serve(reply('200 OK', JSON_HEAD + limits, OK));
  const to = client(server, { defaultHeaders: { 'X-Team': 'search' }, defaultQuery: { v: 1 } });
  const { data, response, requestId, rateLimit } = await echo(to).withResponse();
  assert.deepEqual([data, response.status, requestId], [JSON.parse(OK), 200, 'req-1']);
  assert.deepEqual(rateLimit?.requests, { limit: undefined, remaining: 7, resetMs: 360_000 });
  const seen = server.requests[0]!;
  assert.equal(seen.line, 'POST /v1/echo?v=1 HTTP/1.1');
  assert.deepEqual([seen.headers['authorization'], seen.headers['x-team']], [`Bearer ${KEY}`, 'search']);
  assert.deepEqual([seen.headers['content-type'], seen.headers['accept']], ['application/json', 'application/json']);
  assert.match(seen.headers['user-agent'] ?? '', /^novai-typescript\//);
  assert.equal(seen.body, '{"text":"hi"}');
});

test('ten calls use one connection', async () => {
  for (const script of [json(OK), reply('400 No', JSON_HEAD, '{}'), json('nonsense')]) {
    await using server = await serve(script);
    const to = client(server);
    for (let n = 0; n < 10; n++) await call(to);
    assert.equal(server.requests.length, 10);
    // Node puts a connection back a moment after its body's end was read; a busy machine may come too early for it.
    assert.ok(server.connections <= 2, `${server.connections} connections`);
  }
});

test('retries', async () => {
  const cut: Script = ['HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{', CLOSE];
  // What the first attempts meet, how many requests are sent in all, and the error in the end.
  for (const [scripts, requests, expected] of [
    ...[408, 409, 429, 500, 502, 503, 504].map((status) => [[reply(`${status} No`)], 2]),
    [[reply('503 Busy'), reply('503 Busy')], 3],
    [[reply('503 Busy'), reply('503 Busy'), reply('503 Busy')], 3, errors.InternalServerError],
    [[reply('429 Slow', 'retry-after-ms: 1\r\n')], 2],
    [[reply('400 No')], 1, errors.BadRequestError],
    [[reply('400 No', 'x-should-retry: true\r\n')], 2],
    [[reply('503 Busy', 'x-should-retry: false\r\n')], 1, errors.InternalServerError],
    [[[CLOSE]], 2],
    [[[RESET]], 2],
    [[cut], 2],
    [Array<Script>(3).fill(['SSH-2.0-OpenSSH_9.9\r\n', CLOSE]), 3, errors.APIConnectionError],
    [Array<Script>(3).fill([RESET]), 3, errors.APIConnectionError],
  ] as [Script[], number, Kind?][]) {
    await using server = await serve(...scripts, json(OK));
    const { result, error } = await call(client(server));
    assert.equal(server.requests.length, requests, inspect(scripts));
    if (!expected) assert.equal(result?.text, 'hello');
    else assert.deepEqual([error?.constructor, error?.attempts], [expected, requests]);
    const keys = new Set(server.requests.map(({ headers }) => headers['idempotency-key']));
    assert.equal(keys.size, 1);
    assert.ok(!keys.has(undefined));
  }
});

test('options of a call', async () => {
  await using server = await serve(json(OK), reply('503 Busy'));
  const to = client(server, { defaultHeaders: { 'x-two': '2' } });
  await echo(to, {
    idempotencyKey: 'order-1',
    headers: { 'X-One': '1', 'X-Two': null },
    query: { q: ['a', 'b'], deep: { x: true } },
    extraBody: { more: [1] },
  });
  const { headers, line, body } = server.requests[0]!;
  assert.deepEqual([headers['idempotency-key'], headers['x-one'], headers['x-two']], ['order-1', '1', undefined]);
  assert.equal(line, 'POST /v1/echo?q=a&q=b&deep%5Bx%5D=true HTTP/1.1');
  assert.equal(body, '{"text":"hi","more":[1]}');
  await assert.rejects(async () => echo(to, { maxRetries: 5 }), errors.InternalServerError);
  assert.equal(server.requests.length, 1 + 6);
  await assert.rejects(async () => echo(to.withOptions({ maxRetries: 0 })), errors.InternalServerError);
  assert.equal(server.requests.length, 1 + 6 + 1);
});

test('the reply itself', async () => {
  await using server = await serve(json(OK), reply('404 No'));
  const response = await echo(client(server)).asResponse();
  assert.deepEqual([response.status, await response.json()], [200, JSON.parse(OK)]);
  await assert.rejects(echo(client(server)).asResponse(), errors.NotFoundError);
});

test('statuses', async () => {
  const body = '{"error":{"message":"m","type":"t","param":"p","code":"c"}}';
  const headers = `${JSON_HEAD}retry-after: 3600\r\nx-ratelimit-limit-tokens: 9\r\n`;
  for (const [status, expected] of [
    [400, errors.BadRequestError],
    [401, errors.AuthenticationError],
    [403, errors.PermissionDeniedError],
    [404, errors.NotFoundError],
    [409, errors.ConflictError],
    [422, errors.UnprocessableEntityError],
    [429, errors.RateLimitError],
    [500, errors.InternalServerError],
    [529, errors.InternalServerError],
    [418, errors.APIStatusError],
    [304, errors.APIStatusError],
  ] as [number, Kind][]) {
    await using server = await serve(reply(`${status} No`, headers, status === 304 ? '' : body));
    const { error } = await call(client(server, { maxRetries: 0 }));
    assert.equal(error?.constructor, expected);
    assert.deepEqual([error?.statusCode, error?.status, error?.name], [status, status, expected.name]);
    assert.deepEqual([error?.requestId, error?.retryAfterMs], ['req-1', 36e5]);
    assert.equal(error?.rateLimit?.tokens?.limit, 9);
    assert.deepEqual([error?.eventsReceived, error?.partial, error?.attempts], [0, undefined, 1]);
    if (status === 304) continue;
    assert.deepEqual([error?.message, error?.code, error?.type, error?.param, error?.body], ['m', 'c', 't', 'p', body]);
  }
});

test('error bodies that are not ours', async () => {
  for (const [headers, body, message] of [
    ['content-type: text/html\r\n', '<html>gone</html>', 'Bad Gateway (text/html, 17 characters)'],
    ['', '', 'Bad Gateway (empty body)'],
    ['', '{', 'Bad Gateway (1 characters)'],
    ['content-type: text/plain; charset=utf-8\r\n', ' upstream is down \n', 'upstream is down'],
    ['content-type: text/plain\r\n', 'x'.repeat(9_000), 'x'.repeat(500)],
    ['content-type: application/json\r\n', '{"detail":"Not Found"}', 'Not Found'],
  ] as const) {
    await using server = await serve(reply('502 Bad Gateway', headers, body));
    const { error } = await call(client(server, { maxRetries: 0 }));
    assert.deepEqual([error?.name, error?.message, error?.body], ['InternalServerError', message, body]);
  }
});

test("replies that are not the API's", async () => {
  for (const [script, message] of [
    [json('<html>'), /^the reply is not JSON \(application\/json, 6 bytes\)$/],
    [reply('200 OK', 'content-type: text/html\r\n', '<html>'), /^the reply is not JSON \(text\/html, 6 bytes\)$/],
    [json(''), /^the reply is not JSON/],
    [json('['.repeat(100_000)), /^the reply is not JSON/],
    [json(Buffer.from('7b22ff', 'hex')), /^the reply is not UTF-8/],
    [reply('204 No Content'), /^the reply is not JSON \(no content type, 0 bytes\)$/],
  ] as [Script, RegExp][]) {
    await using server = await serve(script);
    const { error } = await call(client(server));
    assert.equal(error?.name, 'ResponseDecodeError');
    assert.match(error?.message ?? '', message);
    assert.ok((error?.body?.length ?? 0) <= 64 << 10);
    assert.equal(server.requests.length, 1, 'not worth another attempt');
  }
});

test('deadlines', async () => {
  const flood: Script = ['HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n', { flood: '1\r\n \r\n' }];
  for (const [script, deadline, timeout, requests] of [
    [[HOLD], 'total', 100, 1],
    [flood, 'total', { totalMs: 100 }, 1],
    [['HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{', HOLD], 'idle', { idleMs: 100 }, 3],
  ] as [Script, string, number | Timeouts, number][]) {
    await using server = await serve(script);
    const { error } = await call(client(server, { timeout }));
    assert.deepEqual([error?.name, error?.deadline], ['APITimeoutError', deadline]);
    assert.equal(server.requests.length, requests);
  }
});

test('the connect deadline', async () => {
  // A queue that is full, because nobody takes from it: nothing is answered.
  const listener = createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 });
  await new Promise((resolve) => listener.once('listening', resolve));
  const { port } = listener.address() as AddressInfo;
  const { Worker } = await import('node:worker_threads');
  // Node accepts whenever its loop runs; a listener of a thread that does not run is one that nobody serves.
  listener.close();
  const worker = new Worker(
    `const { createServer } = require('node:net');
     const { parentPort } = require('node:worker_threads');
     const listener = createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
       parentPort.postMessage(listener.address().port);
       setTimeout(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0), 20);
     });`,
    { eval: true },
  );
  const full = await new Promise<number>((resolve) => worker.once('message', resolve));
  assert.notEqual(full, port);
  await new Promise((resolve) => setTimeout(resolve, 100));
  const waiting = Array.from({ length: 6 }, () => connect({ port: full, host: '127.0.0.1' }).on('error', () => {}));
  const url = `http://127.0.0.1:${full}/v1`;
  const { error } = await call(client({ url }, { timeout: { connectMs: 600 }, maxRetries: 1 }));
  assert.deepEqual([error?.name, error?.deadline, error?.attempts], ['APITimeoutError', 'connect', 2]);
  for (const socket of waiting) socket.destroy();
  await worker.terminate();
});

test('nobody listens', async () => {
  const server = await serve(json(OK));
  await server[Symbol.asyncDispose]();
  const { error } = await call(client(server));
  assert.deepEqual([error?.name, error?.attempts], ['APIConnectionError', 3]);
});

test('a wait that outlasts the call is not begun', async () => {
  await using server = await serve(reply('429 Slow down', 'retry-after: 3600\r\n'));
  const { error } = await call(client(server, { timeout: 60_000, retryDelayMaxMs: 72e5 }));
  assert.deepEqual([error?.name, error?.retryAfterMs], ['RateLimitError', 36e5]);
});

test('replies are bounded', async () => {
  await using server = await serve(json(`{"text":"${'x'.repeat(2_000)}"}`));
  assert.equal((await call(client(server, { responseBytesMax: 4_000 }))).result?.text.length, 2_000);
  assert.equal((await call(client(server, { responseBytesMax: 1_000 }))).error?.name, 'ResponseDecodeError');
  await using flooding = await serve([
    'HTTP/1.1 400 No\r\ntransfer-encoding: chunked\r\n\r\n',
    { flood: chunk('x'.repeat(9_000)) },
  ]);
  assert.equal((await call(client(flooding))).error?.body?.length, 64 << 10);
  await flooding.clientGone();
});

test('a signal ends a call, also while it waits to try again', async () => {
  await using server = await serve([HOLD]);
  const controller = new AbortController();
  const calling = echo(client(server), { signal: controller.signal });
  while (!server.requests.length) await new Promise((resolve) => setImmediate(resolve));
  controller.abort();
  await assert.rejects(async () => calling, errors.APIUserAbortError);
  await server.clientGone();
  await assert.rejects(async () => echo(client(server), { signal: AbortSignal.abort() }), errors.APIUserAbortError);
  assert.equal(server.requests.length, 1);

  await using busy = await serve(reply('503 Busy', 'retry-after: 3600\r\n'));
  const waiting = new AbortController();
  const patient = client(busy, { retryDelayMaxMs: 36e5, timeout: { totalMs: Infinity } });
  const retrying = echo(patient, { signal: waiting.signal });
  while (!busy.requests.length) await new Promise((resolve) => setImmediate(resolve));
  // Whether it still reads the reply, or waits already, is all the same.
  await new Promise((resolve) => setTimeout(resolve, 20));
  waiting.abort();
  await assert.rejects(async () => retrying, errors.APIUserAbortError);
});

test('other replies and bodies', async () => {
  for (const [operation, script, result] of [
    [{ reply: 'text' }, reply('200 OK', '', 'é'), 'é'],
    [{ reply: 'bytes' }, reply('200 OK', '', Buffer.of(255, 0)), Uint8Array.of(255, 0)],
    [{ reply: 'none' }, reply('204 No Content'), undefined],
    [{ nothing: true }, reply('204 No Content'), undefined],
  ] as [object, Script, unknown][]) {
    await using server = await serve(script);
    const got = await request(client(server), { method: 'GET', path: '/x', ...operation }, {});
    assert.deepEqual(got instanceof Uint8Array ? Uint8Array.from(got) : got, result);
    assert.equal(server.requests[0]!.headers['idempotency-key'], undefined);
  }
  await using server = await serve(json('{}'));
  const send = (bodyType: string, body: unknown) =>
    request(client(server), { method: 'POST', path: '/x', bodyType } as Operation<unknown>, { body });
  await send('application/x-www-form-urlencoded', { a: '1 2', b: [true, 2] });
  await send('multipart/form-data', { file: new Blob(['PNG'], { type: 'image/png' }), n: [1, 2] });
  await send('text/plain', 'text');
  const [first, second, third] = server.requests;
  assert.deepEqual(
    [first!.body, first!.headers['content-type']],
    ['a=1+2&b=true&b=2', 'application/x-www-form-urlencoded'],
  );
  assert.match(second!.headers['content-type'] ?? '', /^multipart\/form-data; boundary=/);
  assert.match(second!.body, /name="file"; filename="file"\r\nContent-Type: image\/png\r\n\r\nPNG\r\n/);
  assert.deepEqual([third!.body, third!.headers['content-type']], ['text', 'text/plain']);
});

test('pages', async () => {
  const scripts = [
    json('{"object":"list","data":[{"id":"a"},{"id":"b"}],"has_more":true}'),
    json('{"object":"list","data":[{"id":"c"}],"has_more":false}'),
  ];
  await using server = await serve(...scripts);
  const list = () => pages(client(server), PAGES, { query: { limit: 2 } });
  const page = await list();
  assert.deepEqual(
    [page.data.length, page.hasNextPage(), page.nextCursor(), page.body['object']],
    [2, true, 'b', 'list'],
  );
  const ids: string[] = [];
  for await (const item of page) ids.push(item.id);
  assert.deepEqual(ids, ['a', 'b', 'c']);
  assert.deepEqual(
    server.requests.map(({ line }) => line),
    ['GET /v1/items?limit=2 HTTP/1.1', 'GET /v1/items?limit=2&after=b HTTP/1.1'],
  );
  for await (const item of list()) ids.push(item.id);
  assert.deepEqual(ids, ['a', 'b', 'c', 'c']);
  for (const body of ['{}', '{"data":null}', '{"data":[]}', '{"data":[1],"has_more":true}', '{"data":[{}]}']) {
    await using ending = await serve(json(body));
    assert.equal(await (await pages(client(ending), PAGES, {})).getNextPage(), undefined, body);
  }
});

test('redirects are not followed', async () => {
  await using target = await serve(json('{"text":"stolen"}'));
  for (const status of ['301 Moved', '302 Found', '303 See Other', '307 Temporary', '308 Permanent']) {
    await using server = await serve(reply(status, `location: ${target.url}/echo\r\n`));
    for (const { error } of [await call(client(server)), await read(client(server))]) {
      assert.deepEqual([error?.name, error?.statusCode], ['APIStatusError', Number(status.slice(0, 3))]);
    }
  }
  assert.equal(target.connections, 0);
});

test('what a client refuses', () => {
  for (const [options, message] of [
    [{}, /^no API key: set NOVAI_API_KEY or pass apiKey$/],
    [{ apiKey: '' }, /^no API key/],
    [{ apiKey: 'k', baseURL: '127.0.0.1:8080' }, /^base URL: /],
    [{ apiKey: 'k', baseURL: 'ftp://host/v1' }, /^base URL: must begin with http/],
    [{ apiKey: 'k', baseURL: 'http://user:pw@host/v1' }, /^base URL: must not hold a user name/],
    [{ apiKey: 'k', baseURL: 'http://host/v1?x=1' }, /^base URL: must end with its path/],
    [{ apiKey: 'k', baseURL: '' }, /^base URL: /],
    [{ apiKey: 'a\nb' }, /^API key: /],
    [{ apiKey: 'schlüssel' }, /^API key: /],
    [{ apiKey: 'k', defaultHeaders: { 'x y': 'v' } }, /^header "x y": not a name/],
    [{ apiKey: 'k', defaultHeaders: { x: 'a\nb' } }, /^header x: the value holds/],
    [{ apiKey: 'k', defaultHeaders: { x: 'é' } }, /^header x: the value holds/],
    [{ apiKey: 'k', defaultHeaders: { Authorization: 'Bearer o' } }, /^header Authorization: set the API key/],
  ] as [ClientOptions, RegExp][]) {
    const refused = (error: unknown) => error instanceof errors.NovAIError && message.test(error.message);
    assert.throws(() => new Client(options), refused, inspect(options));
  }
});

test('the environment', (t) => {
  t.after(() => {
    delete process.env['NOVAI_API_KEY'];
    delete process.env['NOVAI_BASE_URL'];
  });
  Object.assign(process.env, { NOVAI_API_KEY: ' key\n', NOVAI_BASE_URL: 'http://host/v1/' });
  assert.deepEqual([new Client().baseURL, new Client().apiKey], ['http://host/v1', 'key']);
  // An empty variable counts as absent.
  Object.assign(process.env, { NOVAI_API_KEY: '', NOVAI_BASE_URL: ' ' });
  assert.equal(new Client({ apiKey: 'k' }).baseURL, 'http://127.0.0.1:8080/v1');
  assert.throws(() => new Client(), /NOVAI_API_KEY/);
});

test('in a browser the key is guarded', (t) => {
  const globals = globalThis as { window?: unknown; document?: unknown };
  t.after(() => {
    delete globals.window;
    delete globals.document;
  });
  globals.window = globals.document = {};
  assert.throws(() => new Client({ apiKey: 'k' }), /dangerouslyAllowBrowser/);
  assert.ok(new Client({ apiKey: 'k', dangerouslyAllowBrowser: true }));
});

test('what cannot be sent fails its call, and sends nothing', async () => {
  await using server = await serve(json('{}'));
  const cycle: Record<string, unknown> = {};
  cycle['self'] = cycle;
  for (const options of [
    { headers: { 'x-name': 'Zoë' } },
    { headers: { 'x\r\ny': 'v' } },
    { headers: { authorization: 'Bearer other' } },
    { idempotencyKey: 'a\r\nb' },
    { extraBody: { cycle } },
    { extraBody: { big: 1n } },
  ] as RequestOptions[]) {
    const refused = (error: Error) => error.name === 'NovAIError';
    await assert.rejects(async () => echo(client(server), options), refused);
    await assert.rejects(async () => open(client(server), undefined, options), refused);
  }
  const item: Operation<unknown> = { method: 'GET', path: '/items/{item}' };
  for (const nothing of ['', '.', '..', undefined]) {
    await assert.rejects(async () => request(client(server), item, { path: { item: nothing } }), /part of a path/);
  }
  assert.equal(server.connections, 0);
  await request(client(server), item, { path: { item: 'a/b é?#' } });
  assert.equal(server.requests[0]!.line, 'GET /v1/items/a%2Fb%20%C3%A9%3F%23 HTTP/1.1');
});

test('the key is shown nowhere', async () => {
  for (const script of [
    reply('401 No', '', `{"error":{"message":"bad key ${KEY}","code":"${KEY}","param":"${KEY}"}}`),
    reply('401 No', '', `{"error":{"message":"m","type":"${KEY}"}}`),
    reply('401 No', `x-request-id: ${KEY}\r\n`),
    reply('502 No', '', `<html>${KEY}</html>`),
    json(`{"text":["${KEY}`),
    [openStream('{"text":"a"}', `"${KEY}"`), CLOSE],
    [openStream('{"text":"a"}', `{"error":{"message":"${KEY}"}}`), CLOSE],
    [`HTTP/1.1 200 OK\r\n${KEY}\r\n\r\n`, CLOSE],
    [RESET],
  ] as Script[]) {
    await using server = await serve(script);
    const to = client(server, { maxRetries: 0 });
    for (const { error } of [await call(to), await read(to)]) {
      assert.ok(!inspect(error, { depth: 9 }).includes(KEY), inspect(error, { depth: 9 }));
      assert.ok(!JSON.stringify(error).includes(KEY));
    }
    assert.ok(!inspect(to, { depth: 9 }).includes(KEY));
    assert.ok(!JSON.stringify(to).includes(KEY));
  }
});

test('clients made from another share its connections', async () => {
  await using server = await serve(json(OK));
  const one = client(server, { defaultHeaders: { 'x-a': '1' } });
  const other = one.withOptions({ maxRetries: 9, timeout: 7, defaultHeaders: { 'x-b': '2' }, apiKey: 'other' });
  assert.deepEqual([one.maxRetries, other.maxRetries, other.timeouts.totalMs], [2, 9, 7]);
  const calls = [one, other.withOptions({ timeout: 9_000 })];
  for (const to of calls) await request(to, ECHO, { body: {} });
  const [first, second] = server.requests;
  assert.deepEqual([first!.headers['x-a'], first!.headers['x-b']], ['1', undefined]);
  assert.deepEqual([second!.headers['x-a'], second!.headers['x-b']], ['1', '2']);
  assert.equal(second!.headers['authorization'], 'Bearer other');
});
