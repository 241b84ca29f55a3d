/** The parts that need no network: waits, limits, error bodies, accumulators, alarms. */

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { mock, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import {
  APPEND_LIST,
  APPEND_TEXT,
  Accumulator,
  FIRST,
  REPLACE,
  byIndex,
  merge,
  type Plan,
} from '../src/runtime/accumulate.js';
import { describe, impliedStatus } from '../src/runtime/error_body.js';
import { parseDuration, rateLimitOf, type Quota } from '../src/runtime/rate_limit.js';
import { Failed, delay, retryAfterMs, run, shouldRetry } from '../src/runtime/retry.js';
import { Alarm, now, timeoutsOf } from '../src/runtime/timeout.js';

const headers = (lines: Record<string, string>) => new Headers(lines);

test('asked waits', () => {
  const at = Date.UTC(2015, 9, 21, 7, 28);
  for (const [lines, ms] of [
    [{}, undefined],
    [{ 'retry-after': '7' }, 7_000],
    [{ 'retry-after': '0.5' }, 500],
    [{ 'retry-after': 'Wed, 21 Oct 2015 07:28:30 GMT' }, 30_000],
    [{ 'retry-after': 'Wed, 21 Oct 2015 07:27:30 GMT' }, 0],
    [{ 'retry-after-ms': '374', 'retry-after': '7' }, 374],
    [{ 'retry-after-ms': 'junk', 'retry-after': '7' }, 7_000],
    [{ 'retry-after-ms': '0' }, 0],
    ...['-1', 'inf', 'Infinity', 'NaN', '1e300', '0x10', '', 'tomorrow', '1 2'].map((text) => [
      { 'retry-after': text },
    ]),
  ] as [Record<string, string>, number | undefined][]) {
    assert.equal(retryAfterMs(headers(lines), at), ms, JSON.stringify(lines));
  }
});

test('waits double up to the cap, and jitter takes up to half', () => {
  const wait = (attempt: number, random: number, asked?: number) =>
    delay({ delayMaxMs: 8_000, random: () => random }, attempt, asked);
  for (const [attempt, most] of [
    [1, 500],
    [2, 1_000],
    [5, 8_000],
    [6, 8_000],
    [5_000, 8_000],
  ] as const) {
    assert.equal(wait(attempt, 0), most);
    assert.equal(wait(attempt, 0.5), most * 0.75);
  }
  assert.deepEqual([wait(1, 0.9, 3), wait(1, 0.9, 36e5)], [3, 8_000]);
});

test('which statuses are tried again', () => {
  const again = (status: number, said?: string) =>
    shouldRetry(status, headers(said === undefined ? {} : { 'x-should-retry': said }));
  for (const status of [408, 409, 429, 500, 502, 503, 504, 529]) assert.ok(again(status), String(status));
  for (const status of [0, 301, 400, 401, 403, 404, 422]) assert.ok(!again(status), String(status));
  assert.deepEqual([again(400, 'true'), again(503, 'false'), again(503, 'maybe')], [true, false, true]);
});

test('runs: no clock, no luck, and nobody waits', async () => {
  // What each attempt says, the total deadline; then attempts made, and milliseconds waited.
  const again = (askedMs?: number) => new Failed('error', true, askedMs);
  for (const [says, totalAt, attempts, waitedMs] of [
    [[again(), again(), again()], 600_000, 3, 1_500],
    [[new Failed('error', false)], 600_000, 1, 0],
    [[again(), new Failed('error', false)], 600_000, 2, 500],
    [[again(3_000), again(0), again()], 600_000, 3, 3_000],
    [[again(100_000), again(), again()], 600_000, 3, 9_000],
    [[again(5_000), again(), again()], 5_000, 1, 0],
    [[again(), again(7_000), again()], 4_000, 2, 500],
  ] as [Failed[], number, number, number][]) {
    let clock = 0;
    let made = 0;
    const sleep = async (ms: number) => void (clock += ms);
    const rules = { maxRetries: 2, delayMaxMs: 8_000, totalAt, now: () => clock, sleep, random: () => 0 };
    await assert.rejects(
      run(rules, async (number) => {
        made = number;
        throw says[number - 1]!;
      }),
      (error) => error === 'error',
    );
    assert.deepEqual([made, clock], [attempts, waitedMs]);
  }
});

test('durations', () => {
  for (const [text, ms] of [
    ['12ms', 12],
    ['6m0s', 360_000],
    ['1m30s', 90_000],
    ['0s', 0],
    ['8.64s', 8_640],
    ['1h2m3s', 3_723_000],
    ['1d', 864e5],
    ['30', 30_000],
    ['0.5', 500],
    ...['', '-1', '1x', 's', '1..2s', '.', `${'9'.repeat(26)}d`, '1s junk', '6m é'].map((text) => [text]),
  ] as [string, number | undefined][]) {
    assert.equal(parseDuration(text), ms, text);
  }
});

test('families of limits', () => {
  const quota = (limit?: number, remaining?: number, resetMs?: number): Quota => ({ limit, remaining, resetMs });
  for (const [lines, requests, tokens] of [
    [{}, undefined, undefined],
    [
      {
        'x-ratelimit-limit-requests': '60',
        'x-ratelimit-remaining-requests': '59',
        'x-ratelimit-reset-requests': '1s',
        'x-ratelimit-limit-tokens': '150000',
        'x-ratelimit-remaining-tokens': '149984',
        'x-ratelimit-reset-tokens': '6ms',
      },
      quota(60, 59, 1_000),
      quota(150_000, 149_984, 6),
    ],
    // Azure answers -1 where it does not know.
    [{ 'x-ratelimit-limit-requests': '-1', 'x-ratelimit-remaining-requests': '0' }, quota(undefined, 0), undefined],
    [{ 'x-ratelimit-remaining-tokens': 'many' }, undefined, undefined],
    [
      { 'ratelimit-policy': '"rpm";q=60;w=60, "tpm";q=1000;w=60', ratelimit: '"rpm";r=50;t=30,"tpm";r=7' },
      quota(60, 50, 30_000),
      quota(1_000, 7),
    ],
    [{ ratelimit: '"default";r=50;t=30' }, undefined, undefined],
    // OpenAI's names win over the draft's.
    [{ 'x-ratelimit-remaining-requests': '3', ratelimit: '"rpm";r=50' }, quota(undefined, 3), undefined],
  ] as [Record<string, string>, Quota | undefined, Quota | undefined][]) {
    const expected = requests || tokens ? { requests, tokens } : undefined;
    assert.deepEqual(rateLimitOf(headers(lines)), expected, JSON.stringify(lines));
  }
});

test('error bodies', () => {
  const nothing = ['fallback', undefined, undefined, undefined];
  for (const [body, expected] of [
    [
      '{"error":{"message":"no such model","type":"invalid_request_error","param":"model","code":"model_not_found"}}',
      ['no such model', 'model_not_found', 'invalid_request_error', 'model'],
    ],
    ['{"error":{"message":"m","type":null,"param":null,"code":502}}', ['m', '502']],
    ['{"error":"plain"}', ['plain']],
    ['{"error":"plain","code":"c"}', ['plain', 'c']],
    ['{"message":"m","code":"c"}', ['m', 'c']],
    ['{"detail":"Not Found"}', ['Not Found']],
    ['{"detail":[{"loc":["body"],"msg":"field required"},{"msg":"too long"}]}', ['field required; too long']],
    ['{"detail":{"message":"nested"}}', ['nested']],
    [
      '[{"error":{"code":400,"message":"API key not valid","status":"INVALID_ARGUMENT"}}]',
      ['API key not valid', '400'],
    ],
    ['{"type":"error","error":{"type":"overloaded_error","message":"m"}}', ['m', undefined, 'overloaded_error']],
    ['"just text"', ['just text']],
    ...['{"error":{}}', '{"error":null}', '{"error":{"message":{"a":1}}}', '', '[]', 'null', '<html>', '{"a'].map(
      (body) => [body, nothing],
    ),
    [`${'['.repeat(90)}${']'.repeat(90)}`, nothing],
  ] as [string, (string | undefined)[]][]) {
    const { message, code, type, param } = describe(body, 'fallback');
    assert.deepEqual([message, code, type, param], [...expected, undefined, undefined, undefined].slice(0, 4), body);
  }
});

test('statuses of error events', () => {
  for (const [type, code, status] of [
    ['rate_limit_error', 'rate_limit_exceeded', 429],
    ['invalid_request_error', 'model_not_found', 404],
    ['invalid_request_error', 'context_length_exceeded', 400],
    ['upstream_error', 'provider_timeout', 504],
    ['upstream_error', 'new_code', 502],
    ['overloaded_error', undefined, 503],
    [undefined, '502', 502],
    [undefined, '7', undefined],
    ['constructor', '__proto__', undefined],
  ] as const) {
    assert.equal(impliedStatus({ type, code }), status, `${type} ${code}`);
  }
});

const errorsFile = fileURLToPath(new URL('../../../docs/errors.md', import.meta.url));
test('every documented code has its status', { skip: existsSync(errorsFile) ? false : 'docs are absent' }, () => {
  const rows = readFileSync(errorsFile, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| `'));
  assert.ok(rows.length > 20, 'the table has another form now');
  for (const row of rows) {
    const [, code, status, type] = row.split('|').map((cell) => cell.trim().replaceAll('`', ''));
    assert.equal(impliedStatus({ code, type }), Number(status), row);
  }
});

const CHAT: Plan = [
  {
    fields: { id: FIRST, created: REPLACE, choices: byIndex(1), usage: REPLACE },
    leftOut: ['obfuscation'],
    dues: { always: { object: 'chat.completion' }, absent: { choices: [], model: '' } },
  },
  {
    fields: { index: REPLACE, delta: merge(2, 'message'), logprobs: merge(5), finish_reason: REPLACE },
    dues: { absent: { message: { role: 'assistant' }, finish_reason: null } },
  },
  {
    fields: { role: FIRST, content: APPEND_TEXT, tool_calls: byIndex(3) },
    dues: { always: { role: 'assistant' }, absent: { content: null } },
  },
  {
    fields: { index: REPLACE, id: FIRST, type: FIRST, function: merge(4), custom: merge(4) },
    dropIndex: true,
    tag: 'type',
    tagDefault: 'function',
    variants: {
      function: { always: { type: 'function' }, absent: { id: '', function: { name: '', arguments: '' } } },
      custom: { always: { type: 'custom' }, absent: { id: '' } },
    },
  },
  { fields: { name: FIRST, arguments: APPEND_TEXT }, dues: { absent: { name: '', arguments: '' } } },
  { fields: { content: APPEND_LIST } },
];

function whole(events: unknown[]): { choices: { message: Record<string, unknown> }[] } & Record<string, unknown> {
  const accumulator = new Accumulator(CHAT);
  for (const event of events) accumulator.add(event);
  return accumulator.snapshot() as ReturnType<typeof whole>;
}
const choice = (fields: object) => ({ choices: [{ index: 0, ...fields }] });
const calls = (...calls: unknown[]) => choice({ delta: { tool_calls: calls } });

test('accumulators', () => {
  for (const [events, expected] of [
    [[], { object: 'chat.completion', choices: [], model: '' }],
    [
      [
        { id: '', created: 1, obfuscation: 'x', new: 1 },
        { id: 'a', created: 2, new: 2 },
        { id: 'b', created: null, new: null },
      ],
      { id: 'a', created: 2, new: 2, object: 'chat.completion', choices: [], model: '' },
    ],
    [
      [
        { choices: [{ index: 1, delta: { content: 'x' } }] },
        { choices: [{ index: 0, delta: { role: 'assistant', content: 'a' } }] },
        {
          choices: [
            { index: 1, delta: { content: 'y' }, finish_reason: 'stop' },
            { index: 0, delta: { content: 'b' } },
          ],
        },
      ],
      [
        { index: 0, message: { role: 'assistant', content: 'ab' }, finish_reason: null },
        { index: 1, message: { role: 'assistant', content: 'xy' }, finish_reason: 'stop' },
      ],
    ],
    [[choice({ finish_reason: 'stop' })], [{ index: 0, finish_reason: 'stop', message: { role: 'assistant' } }]],
    [
      [choice({ logprobs: { content: [1] } }), choice({ logprobs: { content: [2, 3] } })],
      [{ index: 0, logprobs: { content: [1, 2, 3] }, message: { role: 'assistant' }, finish_reason: null }],
    ],
  ] as [unknown[], unknown][]) {
    const made = whole(events);
    assert.deepEqual(Array.isArray(expected) ? made.choices : made, expected);
  }
  for (const [events, expected] of [
    [
      [
        calls({ index: 1, id: 'b', function: { name: 'g', arguments: '1' } }),
        calls({ index: 0, id: 'a', type: 'function', function: { name: 'f', arguments: '' } }),
        calls(
          { index: 0, id: 'a', function: { name: 'f', arguments: '{' } },
          { index: 1, function: { arguments: '2' } },
        ),
        calls({ index: 0, function: { arguments: '}' } }),
      ],
      [
        { id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } },
        { id: 'b', type: 'function', function: { name: 'g', arguments: '12' } },
      ],
    ],
    [
      [calls({ id: 'a', function: { name: 'f' } }), calls({ id: 'a', function: { name: 'f' } }), calls({ id: 'b' })],
      [
        { id: 'a', type: 'function', function: { name: 'f', arguments: '' } },
        { id: 'b', type: 'function', function: { name: '', arguments: '' } },
      ],
    ],
    [
      [calls({ index: 0, type: 'custom', custom: { name: 'n' } }, { index: 1, type: 'new', x: 1 })],
      [
        { id: '', type: 'custom', custom: { name: 'n', arguments: '' } },
        { type: 'new', x: 1 },
      ],
    ],
  ] as [unknown[], unknown][]) {
    assert.deepEqual(whole(events).choices[0]!.message['tool_calls'], expected);
  }
});

test('what is not of the documented shape does no harm', () => {
  for (const event of [
    { choices: 1 },
    { choices: [1, null, { index: '0' }, { index: true }] },
    choice({ delta: [] }),
    choice({ delta: { content: 7 } }),
    calls(1, { index: 0, function: 'f' }),
    [],
    7,
    JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"toString":1}'),
  ]) {
    assert.ok(whole([event, choice({ delta: { content: 'a' } }), event, event]));
    assert.equal(({} as { polluted?: unknown }).polluted, undefined);
  }
});

test('a snapshot does not change', () => {
  const accumulator = new Accumulator(CHAT);
  accumulator.add(choice({ delta: { content: 'a', tool_calls: [{ index: 0, id: 'x' }] } }));
  const snapshot = accumulator.snapshot();
  const before = JSON.stringify(snapshot);
  accumulator.add(choice({ delta: { content: 'b', tool_calls: [{ index: 0, function: { name: 'f' } }] } }));
  accumulator.snapshot();
  assert.equal(JSON.stringify(snapshot), before);
});

test('the alarm follows a deadline that moves', () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  const clock = mock.method(performance, 'now', () => 0);
  const at = (ms: number) => {
    const from = now();
    clock.mock.mockImplementation(() => ms);
    mock.timers.tick(ms - from);
  };
  let rung = 0;
  const alarm = new Alarm(() => rung++);
  alarm.set(10);
  alarm.set(30);
  at(29);
  assert.equal(rung, 0);
  at(30);
  assert.equal(rung, 1);
  alarm.set(100);
  alarm.set(40);
  at(40);
  assert.equal(rung, 2);
  alarm.set(50);
  alarm.set(Infinity);
  at(9_000);
  alarm.set(9_100);
  alarm.clear();
  at(10_000);
  assert.equal(rung, 2);
  mock.timers.reset();
  mock.restoreAll();
});

test('a number is the total', () => {
  const base = { connectMs: 1, firstEventMs: 2, idleMs: 3, totalMs: 4 };
  assert.deepEqual(timeoutsOf(9, base), { ...base, totalMs: 9 });
  assert.deepEqual(timeoutsOf({ idleMs: 9 }, base), { ...base, idleMs: 9 });
  assert.deepEqual(timeoutsOf(undefined, base), base);
});
