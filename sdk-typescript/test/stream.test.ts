/** Streams: events, ends, errors in the middle, cancellation, reuse. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';

import * as errors from '../src/runtime/errors.js';
import type { Timeouts } from '../src/runtime/timeout.js';
import { LINES, STREAM, client, open, read, type Delta } from './echo.js';
import {
  CLOSE,
  DONE,
  END,
  HOLD,
  RESET,
  STREAM_HEAD,
  chunk,
  complete,
  json,
  openStream,
  reply,
  serve,
  type Act,
  type Script,
} from './scripted.js';

const A = '{"text":"a"}';
const B = '{"text":"b"}';
const textOf = (partial: unknown) => (partial as Delta | undefined)?.text;
/** Long enough for what was sent before to be read. */
const tick = () => new Promise((resolve) => setTimeout(resolve, 50));

test('events and the whole', async () => {
  await using server = await serve(complete(A, '{"text":""}', B, DONE));
  const stream = await open(client(server));
  assert.deepEqual([stream.requestId, stream.rateLimit, stream.response.status], ['req-1', undefined, 200]);
  assert.deepEqual(await stream.next(), { done: false, value: { text: 'a' } });
  assert.deepEqual([stream.snapshot(), stream.eventsReceived], [{ text: 'a' }, 1]);
  assert.deepEqual(await stream.final(), { text: 'ab' });
  assert.deepEqual(await stream.next(), { done: true, value: undefined });

  const texts = [];
  for await (const text of (await open(client(server))).textDeltas()) texts.push(text);
  assert.deepEqual(texts, ['a', 'b']);

  const { data, requestId } = await open(client(server)).withResponse();
  assert.deepEqual([await data.final(), requestId], [{ text: 'ab' }, 'req-1']);

  const [seen] = server.requests;
  assert.equal(seen!.headers['accept'], 'text/event-stream');
  assert.ok(seen!.headers['idempotency-key']);
});

/** A client of a server that answers with these pieces. */
const inPieces = (pieces: Uint8Array[]) =>
  client(
    { url: 'http://127.0.0.1:9' },
    {
      fetch: async () => {
        const left = [...pieces];
        const pull = (body: ReadableStreamDefaultController<Uint8Array>) =>
          left.length ? body.enqueue(left.shift()!) : body.close();
        return new Response(new ReadableStream({ pull }), { headers: { 'content-type': 'text/event-stream' } });
      },
    },
  );

test('the whole, whenever it is asked for and however its bytes came', async () => {
  const texts = ['a', '', 'é', '𝄞', 'b'];
  const events = texts.map((text) => JSON.stringify({ text }));
  for (const [operation, body] of [
    [STREAM, [...events, DONE].map((event) => `data: ${event}\n\n`).join('')],
    [LINES, events.join('\n')],
  ] as const) {
    const bytes = new TextEncoder().encode(body);
    const splits = Array.from(bytes, (_, at) => [bytes.subarray(0, at), bytes.subarray(at)]);
    for (const pieces of [...splits, Array.from(bytes, (byte) => Uint8Array.of(byte))]) {
      const to = inPieces(pieces.filter((piece) => piece.length));
      for (let first = 0; first <= texts.length; first++) {
        const stream = await open(to, operation);
        for (let n = 0; n < first; n++) await stream.next();
        assert.deepEqual(stream.snapshot(), { text: texts.slice(0, first).join('') });
        await stream.next();
        assert.deepEqual(stream.snapshot(), { text: texts.slice(0, first + 1).join('') });
        assert.deepEqual(await stream.final(), { text: texts.join('') });
      }
    }
  }
});

test('what is kept for the whole is bounded', async () => {
  const event = new TextEncoder().encode(`data: ${JSON.stringify({ text: 'x'.repeat(10_000) })}\n\n`);
  const end = new TextEncoder().encode(`data: ${DONE}\n\n`);
  const stream = await open(inPieces([...Array.from({ length: 300 }, () => event), end]));
  const { body } = stream as unknown as { body: { kept: { bytes: number } } };
  let most = 0;
  while (!(await stream.next()).done) most = Math.max(most, body.kept.bytes);
  assert.ok(most > 1 << 19 && most <= (1 << 20) + event.length, `${most} bytes`);
  assert.deepEqual(stream.snapshot(), { text: 'x'.repeat(3_000_000) });
});

test('as bytes, and twice', async () => {
  await using server = await serve(complete(A, B, DONE));
  const lines = await new Response((await open(client(server))).toReadableStream()).text();
  assert.equal(lines, `${A}\n${B}\n`);
  const [left, right] = (await open(client(server))).tee();
  const events = async (branch: AsyncIterable<Delta>) => {
    let text = '';
    for await (const event of branch) text += event.text;
    return text;
  };
  assert.deepEqual([await events(left), await events(right)], ['ab', 'ab']);
});

test('ten streams use one connection', async () => {
  for (const late of [false, true]) {
    // The end comes in the same write, or in one of its own.
    const opens: (() => void)[] = [];
    const scripts = Array.from({ length: 10 }, (): Script => {
      if (!late) return complete(A, B, DONE);
      const gate = new Promise<void>((resolve) => opens.push(resolve));
      return [openStream(A, B, DONE), { gate }, END];
    });
    await using server = await serve(...scripts);
    const to = client(server);
    for (let n = 0; n < 10; n++) {
      const stream = await open(to);
      await stream.next();
      opens[n]?.();
      assert.deepEqual(await stream.final(), { text: 'ab' });
    }
    assert.deepEqual([server.requests.length, server.connections], [10, 1], `late: ${late}`);
  }
});

test('an error in place of the first event', async () => {
  // Nobody has seen anything by then: it is what the same error would be as a status.
  const overloaded = '{"error":{"message":"full","type":"server_error","code":"overloaded"}}';
  const cases: [string[], requests: number, error: string | undefined][] = [
    [[overloaded], 2, undefined],
    [['{"text":"x","error":{"code":503}}', DONE], 2, undefined],
    [['{"error":{"message":"no","type":"invalid_request_error","code":"model_not_found"}}'], 1, 'NotFoundError'],
    [['{"error":{"message":"odd","code":"new"}}'], 1, 'APIError'],
    // Not as the first event: it was the stream's own by then.
    [[A, overloaded], 1, 'InternalServerError'],
    // No error, and no event that can be read: what it says of errors is none.
    [['{"text":"x","error":null}', DONE], 1, undefined],
    [['{"error'], 1, 'ResponseDecodeError'],
  ];
  for (const [first, requests, error] of cases) {
    await using server = await serve(complete(...first), complete(B, DONE));
    const outcome = await read(client(server));
    assert.equal(outcome.error?.name, error, first.join());
    assert.equal(server.requests.length, requests, first.join());
    assert.equal(new Set(server.requests.map((seen) => seen.headers['idempotency-key'])).size, 1);
    assert.equal(server.connections, 1, 'what follows the event is read, so that the connection can be used again');
  }
});

test('an error that comes first is thrown by the call', async () => {
  const head = STREAM_HEAD.replace('x-request-id', 'x-should-retry: false\r\nx-request-id');
  const data = '{"error":{"message":"full","type":"server_error","code":"overloaded"}}';
  await using server = await serve([head + chunk(`event: error\ndata: ${data}\n\n`) + END]);
  await assert.rejects(async () => open(client(server)), {
    name: 'InternalServerError',
    statusCode: 503,
    code: 'overloaded',
    requestId: 'req-1',
    eventsReceived: 0,
    attempts: 1,
  });
  assert.equal(server.requests.length, 1);
});

test('a body without end delays nobody', async () => {
  for (const rest of [HOLD, { flood: chunk(': again\n\n') }]) {
    await using server = await serve([openStream(A, DONE), rest]);
    const { text, error } = await read(client(server));
    assert.deepEqual([text, error], ['a', undefined]);
    await server.clientGone();
  }
});

test('whatever follows the terminal is not read', async () => {
  for (const script of [complete(A, DONE, B, '{'), [openStream(A, DONE), RESET]]) {
    await using server = await serve(script);
    const { text, error } = await read(client(server));
    assert.deepEqual([text, error], ['a', undefined]);
  }
});

test('truncation at every byte', async () => {
  const chunked = openStream(A, B, DONE) + END;
  const untilClosed = `HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: ${A}\n\ndata: ${B}\r\n\r\ndata: ${DONE}\n\n`;
  for (const whole of [chunked, untilClosed]) {
    const headEnd = whole.indexOf('\r\n\r\n') + 4;
    const endsAt = (event: string) => {
      const at = whole.indexOf(`data: ${event}`) + 6 + event.length;
      // CRLF ends a line at its CR already.
      return at + (whole.startsWith('\r\n', at) ? 3 : 2);
    };
    const [aEnd, bEnd, doneEnd] = [endsAt(A), endsAt(B), endsAt(DONE)];
    await using server = await serve(
      ...Array.from({ length: whole.length + 1 }, (_, cut) => [whole.slice(0, cut), CLOSE]),
    );
    const to = client(server, { maxRetries: 0 });
    for (let cut = 0; cut <= whole.length; cut++) {
      const { text, error, result } = await read(to);
      assert.equal(text, cut < aEnd ? '' : cut < bEnd ? 'a' : 'ab', `cut at ${cut}`);
      if (cut >= doneEnd) assert.deepEqual([error, result], [undefined, { text: 'ab' }], `cut at ${cut}`);
      else if (cut < headEnd) assert.equal(error?.name, 'APIConnectionError', `cut at ${cut}: ${inspect(error)}`);
      else {
        assert.equal(error?.name, 'StreamTruncatedError', `cut at ${cut}: ${inspect(error)}`);
        assert.deepEqual([error?.eventsReceived, error?.partial], [text.length, { text }], `cut at ${cut}`);
      }
    }
  }
});

test('a truncated stream has no final', async () => {
  await using server = await serve([openStream(A), CLOSE]);
  const to = client(server);
  await assert.rejects(async () => (await open(to)).final(), {
    name: 'StreamTruncatedError',
    requestId: 'req-1',
    partial: { text: 'a' },
  });
  // Nor does it get one after its error was taken, or after it was closed.
  const failed = await open(to);
  await failed.next();
  await assert.rejects(() => failed.next(), errors.StreamTruncatedError);
  await assert.rejects(() => failed.final(), /had failed before/);
  const closed = await open(to);
  closed.close();
  assert.deepEqual(await closed.next(), { done: true, value: undefined });
  await assert.rejects(() => closed.final(), /was closed before/);
});

test('a reset in the middle is a broken connection, and not tried again', async () => {
  let go: (() => void) | undefined;
  const gate = new Promise<void>((resolve) => (go = resolve));
  await using server = await serve([openStream(A), { gate }, RESET]);
  const stream = await open(client(server));
  await stream.next();
  go!();
  await assert.rejects(() => stream.next(), {
    name: 'APIConnectionError',
    eventsReceived: 1,
    partial: { text: 'a' },
    requestId: 'req-1',
  });
  assert.equal(server.requests.length, 1);
});

test('retries before the first event', async () => {
  for (const [name, script] of Object.entries<Script>({
    '503': reply('503 Busy'),
    'no reply': [CLOSE],
    'reset after the head': [STREAM_HEAD, { gate: tick }, RESET],
    'silent before the head': [HOLD],
    'silent after the head': [STREAM_HEAD, HOLD],
    comments: [STREAM_HEAD, { flood: chunk(': keep-alive\n\n') }],
  })) {
    await using server = await serve(script, complete(A, DONE));
    const { text, error } = await read(client(server, { timeout: { firstEventMs: 500 } }));
    assert.deepEqual([text, error], ['a', undefined], name);
    const keys = server.requests.map(({ headers }) => headers['idempotency-key']);
    assert.ok(keys.length === 2 && keys[0] && keys[0] === keys[1], name);
  }
});

test('deadlines', async () => {
  const comments: Act = { flood: chunk(': keep-alive\n\n') };
  for (const [script, deadline, timeout, events] of [
    [[HOLD], 'first_event', { firstEventMs: 60 }],
    [[STREAM_HEAD, HOLD], 'first_event', { firstEventMs: 60 }],
    [[STREAM_HEAD, comments], 'first_event', { firstEventMs: 60 }],
    [[openStream(A, B), HOLD], 'idle', { idleMs: 60 }, 2],
    [[openStream(A, B), comments], 'idle', { idleMs: 60 }, 2],
    [[openStream(A, B), comments], 'total', { totalMs: 1_000 }, 2],
    [[HOLD], 'total', { totalMs: 60 }],
  ] as [Script, string, Timeouts, number?][]) {
    await using server = await serve(script);
    const { error } = await read(client(server, { timeout, maxRetries: 1 }));
    assert.deepEqual([error?.name, error?.deadline], ['APITimeoutError', deadline], inspect(error));
    assert.deepEqual([error?.eventsReceived, textOf(error?.partial)?.length], [events ?? 0, events]);
    assert.equal(server.requests.length, deadline === 'first_event' ? 2 : 1);
  }
});

test('what the caller takes is not silence', async () => {
  let go: (() => void) | undefined;
  const gate = new Promise<void>((resolve) => (go = resolve));
  await using server = await serve([
    openStream(A),
    { gate },
    chunk(`data: ${B}\n\n`) + chunk('data: [DONE]\n\n') + END,
  ]);
  const stream = await open(client(server, { timeout: { idleMs: 100 } }));
  await stream.next();
  // Longer than the deadline, and with nobody waiting.
  await new Promise((resolve) => setTimeout(resolve, 200));
  go!();
  assert.deepEqual(await stream.final(), { text: 'ab' });
});

test('errors in the middle', async () => {
  for (const [event, name, status, message] of [
    [
      'data: {"error":{"message":"m","type":"rate_limit_error","code":"rate_limit_exceeded"}}',
      'RateLimitError',
      429,
      'm',
    ],
    ['data: {"error":{"message":"m","type":"upstream_error"}}', 'InternalServerError', 502, 'm'],
    // Beside the fields of an ordinary chunk (OpenRouter).
    ['data: {"text":"x","error":{"message":"m","code":502}}', 'InternalServerError', 502, 'm'],
    // Named (Groq, Anthropic).
    ['event: error\ndata: {"message":"m","type":"invalid_request_error"}', 'BadRequestError', 400, 'm'],
    [
      'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"m"}}',
      'InternalServerError',
      503,
      'm',
    ],
    ['event: error\ndata: oops', 'APIError', undefined, 'the server reported an error in mid-stream'],
    ['data: {"error":"plain"}', 'APIError', undefined, 'plain'],
    ['data: {', 'ResponseDecodeError', 200, 'an event of the stream is not JSON'],
    [`data: ${'['.repeat(100_000)}`, 'ResponseDecodeError', 200, 'an event of the stream is not JSON'],
    ['data: 1', 'ResponseDecodeError', 200, 'an event of the stream is not a JSON object'],
    ['data:', 'ResponseDecodeError', 200, 'an event of the stream is not JSON'],
  ] as [string, string, number | undefined, string][]) {
    const script = [openStream(A) + chunk(`${event}\n\n`) + chunk('data: [DONE]\n\n') + END];
    await using server = await serve(script);
    const to = client(server);
    for (let n = 0; n < 2; n++) {
      const { text, error } = await read(to);
      assert.deepEqual([text, error?.name, error?.statusCode, error?.message], ['a', name, status, message]);
      assert.deepEqual([error?.eventsReceived, error?.partial, error?.requestId], [1, { text: 'a' }, 'req-1']);
      assert.ok((error?.body?.length ?? 0) <= 64 << 10);
    }
    assert.deepEqual([server.requests.length, server.connections], [2, 1], `${event}: not tried again, and drained`);
  }
});

test('bytes that are not UTF-8', async () => {
  const event = Buffer.concat([Buffer.from('data: {"text":"'), Buffer.of(255), Buffer.from('"}\n\n')]);
  const framed = Buffer.concat([Buffer.from(`${event.length.toString(16)}\r\n`), event, Buffer.from('\r\n')]);
  await using server = await serve([openStream(A, '{"text":"\ufffd"}'), framed, chunk('data: [DONE]\n\n') + END]);
  const { error } = await read(client(server));
  assert.deepEqual([error?.name, error?.message], ['ResponseDecodeError', 'an event of the stream is not UTF-8']);
});

test('what only looks like an error', async () => {
  for (const event of [
    '{"text":"a","error":null}',
    '{"text":"a","note":{"error":1}}',
    '{"text":"a","list":["error"]}',
    ' {"text":"a"} ',
  ]) {
    await using server = await serve(complete(event, DONE));
    const { text, error } = await read(client(server));
    assert.deepEqual([text, error], ['a', undefined], event);
  }
});

test('events are bounded', async () => {
  await using server = await serve(complete(A, `{"text":"${'x'.repeat(2_000)}"}`, DONE));
  assert.equal((await read(client(server, { eventBytesMax: 4_000 }))).text.length, 2_001);
  const { text, error } = await read(client(server, { eventBytesMax: 1_000 }));
  assert.deepEqual([text, error?.name, error?.code], ['a', 'ResponseDecodeError', 'event_too_large']);
  assert.deepEqual([error?.eventsReceived, error?.partial], [1, { text: 'a' }]);
});

test('replies that are no streams', async () => {
  for (const [script, name, message] of [
    [json(A), 'ResponseDecodeError', /^a stream was asked for and the reply is application\/json$/],
    [reply('200 OK', 'content-type: text/html\r\n', '<html>'), 'ResponseDecodeError', /text\/html$/],
    [reply('200 OK', 'content-type: text/event-stream\r\n'), 'StreamTruncatedError', /terminal/],
    [reply('200 OK'), 'StreamTruncatedError', /terminal/],
    [reply('204 No Content'), 'StreamTruncatedError', /terminal/],
    [reply('400 No', '', '{"error":{"message":"m"}}'), 'BadRequestError', /^m$/],
  ] as [Script, string, RegExp][]) {
    await using server = await serve(script);
    const { error } = await read(client(server));
    assert.equal(error?.name, name);
    assert.match(error?.message ?? '', message);
    assert.equal(server.requests.length, 1);
  }
  for (const type of ['text/event-stream; charset=utf-8', 'Text/Event-Stream']) {
    const body = `data: ${A}\n\ndata: [DONE]\n\n`;
    await using server = await serve(reply('200 OK', `content-type: ${type}\r\n`, body));
    assert.equal((await read(client(server))).text, 'a');
  }
});

test('JSON lines', async () => {
  for (const end of ['', '\n']) {
    await using server = await serve(reply('200 OK', 'content-type: application/x-ndjson\r\n', `${A}\n\n${B}${end}`));
    const { text, result } = await read(client(server), LINES);
    assert.deepEqual([text, result], ['ab', { text: 'ab' }]);
  }
});

test('ending a stream early closes its connection', async () => {
  type Opened = Awaited<ReturnType<typeof open>>;
  for (const end of [
    (stream: Opened) => stream.close(),
    (stream: Opened) => stream.controller.abort(),
    async (stream: Opened) => {
      for await (const _ of stream) break;
    },
    async (stream: Opened) => {
      await using held = stream;
      void held;
    },
    (stream: Opened) => stream.toReadableStream().cancel(),
  ]) {
    await using server = await serve([openStream(A), HOLD]);
    await end(await open(client(server)));
    await server.clientGone();
  }
});

test('a signal ends a stream', async () => {
  await using server = await serve([openStream(A), HOLD]);
  const controller = new AbortController();
  const stream = await open(client(server), undefined, { signal: controller.signal });
  await stream.next();
  const waiting = stream.next();
  controller.abort();
  await assert.rejects(waiting, { name: 'APIUserAbortError', eventsReceived: 1, partial: { text: 'a' } });
  await server.clientGone();
});

test('no timer outlives its call', async () => {
  await using server = await serve(complete(A, DONE));
  await read(client(server));
  const timers = process.getActiveResourcesInfo().filter((name) => name === 'Timeout');
  // What is left are those of the connections that Node keeps.
  assert.ok(timers.length <= 2, timers.join());
});
