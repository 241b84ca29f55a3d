/** The decoder: framing, at every split of the bytes; bounds; noise. */

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { SseDecoder, TooLarge, type SseEvent } from '../src/runtime/sse.js';

const shared = process.env['NOVAI_SHARED_DIR'] ?? fileURLToPath(new URL('../../../../shared', import.meta.url));
const casesFile = `${shared}/cases/sse_cases.json`;

type Triple = [event: string, data: string, id: string];

/** The only place that touches the decoder's API. */
function decode(pieces: Uint8Array[], lines = false): SseEvent[] {
  const decoder = new SseDecoder(1 << 20, lines);
  const events: SseEvent[] = [];
  for (const piece of pieces) decoder.feed(piece, events);
  decoder.end(events);
  return events;
}

const triples = (events: SseEvent[]): Triple[] => events.map(({ event, data, id }) => [event, data, id]);

/** As it comes, byte by byte, and split in two at every position: a read can end anywhere. */
function check(name: string, pieces: Buffer[], expected: Triple[]): void {
  const whole = Buffer.concat(pieces);
  assert.deepEqual(triples(decode(pieces)), expected, name);
  assert.deepEqual(triples(decode([...whole].map((byte) => Uint8Array.of(byte)))), expected, `${name}, byte by byte`);
  // The long case repeats one line; its first splits show all that the others would.
  const splits = whole.length < 2_000 ? whole.length : 200;
  for (let split = 0; split <= splits; split++) {
    const halves = [whole.subarray(0, split), whole.subarray(split)];
    assert.deepEqual(triples(decode(halves)), expected, `${name}, split at ${split}`);
  }
}

test('shared cases', { skip: existsSync(casesFile) ? false : '../shared is absent' }, () => {
  interface Case {
    id: string;
    chunks_b64: string[];
    expect: { event: string; data: string; id: string }[];
  }
  const cases = JSON.parse(readFileSync(casesFile, 'utf8')) as Case[];
  assert.ok(cases.length > 70);
  for (const { id, chunks_b64, expect } of cases) {
    check(
      id,
      chunks_b64.map((piece) => Buffer.from(piece, 'base64')),
      expect.map((event) => [event.event, event.data, event.id]),
    );
  }
});

const message = (data: string, event = 'message', id = ''): Triple => [event, data, id];

test('own cases', () => {
  for (const [input, expected] of [
    ['data: a\ndata: b\n\n', [message('a\nb')]],
    ['data: a\n\ndata: b', [message('a')]],
    ['event: x\n\ndata: a\n\n', [message('a')]],
    ['event: x\ndata: a\n\ndata: b\n\n', [message('a', 'x'), message('b')]],
    ['id: 7\ndata: a\n\ndata: b\n\n', [message('a', 'message', '7'), message('b', 'message', '7')]],
    [': comment\r\n\r\ndata: a\r\n\r\n', [message('a')]],
    ['data: a\r\rdata: b\r\n\r\n', [message('a'), message('b')]],
    ['data: a\n\r\ndata: b\r\n\n', [message('a'), message('b')]],
    ['\ufeffdata: a\n\n\ufeffdata: b\n\n', [message('a')]],
    ['data\n\ndata:\n\ndata:  a\n\n', [message(''), message(''), message(' a')]],
    ['\n\n\r\r\r\n', []],
    ['', []],
  ] as [string, Triple[]][]) {
    check(JSON.stringify(input), [Buffer.from(input)], expected);
  }
  check(
    'not UTF-8',
    [Buffer.from([0x64, 0x61, 0x74, 0x61, 0x3a, 0xff, 0xe2, 0x82, 10, 10])],
    [message('\ufffd\ufffd')],
  );
});

test('bytes that are not UTF-8 are told from a U+FFFD that was sent', () => {
  const line = (...bytes: number[]) => Buffer.from([...Buffer.from('data: '), ...bytes, 10, 10]);
  const sent = [0xef, 0xbf, 0xbd];
  for (const [input, broken] of [
    [line(...sent), [false]],
    [line(...sent, ...sent, 0x61), [false]],
    [line(0xff), [true]],
    [line(0xe2, 0x82), [true]],
    [line(0xe2, ...sent), [true]],
    [line(0x61), [false]],
    [Buffer.concat([line(...sent), line(0xff), line(0x61)]), [false, true, false]],
  ] as [Buffer, boolean[]][]) {
    for (let split = 0; split <= input.length; split++) {
      const events = decode([input.subarray(0, split), input.subarray(split)]);
      // One that came before may be doubted with the broken one that follows: both were of one piece.
      const seen = events.map((event) => event.broken);
      if (broken.length === 1) assert.deepEqual(seen, broken, `${input.toString('hex')} at ${split}`);
      else assert.deepEqual(seen.slice(1), broken.slice(1));
    }
  }
});

test('size is bounded however it comes', () => {
  for (const input of [
    `data: ${'x'.repeat(100)}`,
    'data: xxxxxxxxxx\n'.repeat(10),
    'x'.repeat(100),
    `data: ${'x'.repeat(100)}\n\n`,
  ]) {
    for (const size of [1, 7, input.length]) {
      const decoder = new SseDecoder(64);
      assert.throws(() => {
        for (let at = 0; at < input.length; at += size) decoder.feed(Buffer.from(input.slice(at, at + size)), []);
      }, TooLarge);
    }
  }
  const decoder = new SseDecoder(64);
  for (let n = 0; n < 100; n++) decoder.feed(Buffer.from(': still here\nid: 1\n'), []);
  for (let n = 0; n < 100; n++) decoder.feed(Buffer.from('event: e\ndata: twenty bytes of data\n\n'), []);
});

test('an event in many pieces is joined once', () => {
  // 16 MiB in pieces of 16 KiB: quadratic copying would take minutes.
  const decoder = new SseDecoder(1 << 25);
  const events: SseEvent[] = [];
  const piece = Buffer.alloc(16 << 10, 'x');
  decoder.feed(Buffer.from('data: '), events);
  for (let n = 0; n < 1_024; n++) decoder.feed(piece, events);
  decoder.feed(Buffer.from('\n\n'), events);
  assert.equal(events[0]?.data.length, 16 << 20);
});

test('noise never throws, and splits never matter', () => {
  const alphabet = ['data', ':', ' ', '\n', '\r', 'event', 'id', '\ufeff', '\0', '€', 'x', '\n\n'];
  let state = 7;
  const random = (below: number) => (state = (state * 48_271) % 2_147_483_647) % below;
  for (let round = 0; round < 2_000; round++) {
    const noise = Buffer.from(Array.from({ length: random(40) }, () => alphabet[random(alphabet.length)]).join(''));
    const size = 1 + random(7);
    const pieces = [];
    for (let at = 0; at < noise.length; at += size) pieces.push(noise.subarray(at, at + size));
    assert.deepEqual(decode(pieces), decode([noise]), JSON.stringify(noise.toString()));
  }
});

test('lines', () => {
  const whole = Buffer.from('{"a":1}\r\n\n  \n{"b":2}\n{"c":3}');
  for (let split = 0; split <= whole.length; split++) {
    const events = decode([whole.subarray(0, split), whole.subarray(split)], true);
    assert.deepEqual(
      events.map(({ data }) => data),
      ['{"a":1}', '{"b":2}', '{"c":3}'],
    );
  }
});
