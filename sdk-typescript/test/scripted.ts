/** A server that plays scripts: raw bytes over TCP on a free port, one script per request. Start at `serve`. */

import { createServer, type AddressInfo, type Socket } from 'node:net';

/** Bytes to send; or what happens to the connection. */
export type Act =
  | string
  | Buffer
  /** Waits until the test lets it go on. */
  | { gate: Promise<unknown> | (() => Promise<unknown>) }
  /** Sends the text again and again, until the client is gone. */
  | { flood: string }
  /** Does nothing until the client is gone. */
  | { end: 'hold' }
  | { end: 'close' }
  | { end: 'reset' };
export type Script = readonly Act[];

export const HOLD: Act = { end: 'hold' };
export const CLOSE: Act = { end: 'close' };
export const RESET: Act = { end: 'reset' };

/** A whole reply with a length, after which the connection stays open. */
export function reply(status: string, headers = '', body: string | Buffer = ''): Script {
  const bytes = Buffer.from(body);
  const head = `HTTP/1.1 ${status}\r\n${headers}content-length: ${bytes.length}\r\n\r\n`;
  return [Buffer.concat([Buffer.from(head, 'latin1'), bytes])];
}

export const JSON_HEAD = 'content-type: application/json\r\nx-request-id: req-1\r\n';
export const json = (body: string | Buffer): Script => reply('200 OK', JSON_HEAD, body);

export const STREAM_HEAD =
  'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nx-request-id: req-1\r\ntransfer-encoding: chunked\r\n\r\n';
export const END = '0\r\n\r\n';
export const DONE = '[DONE]';

export const chunk = (data: string): string => `${Buffer.byteLength(data).toString(16)}\r\n${data}\r\n`;

/** Head and each event in a chunk of its own; no end. */
export const openStream = (...events: string[]): string =>
  STREAM_HEAD + events.map((event) => chunk(`data: ${event}\n\n`)).join('');

export const complete = (...events: string[]): Script => [openStream(...events) + END];

export interface Seen {
  line: string;
  headers: Record<string, string>;
  body: string;
}

export interface Server {
  url: string;
  requests: Seen[];
  connections: number;
  /** Until a client has closed its connection while its script held or flooded. */
  clientGone(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** The nth request is answered by the nth script, those after the last by the last. */
export async function serve(...scripts: Script[]): Promise<Server> {
  const sockets = new Set<Socket>();
  let gone = 0;
  const waiting: (() => void)[] = [];
  const server: Server = {
    url: '',
    requests: [],
    connections: 0,
    clientGone: () => (gone-- > 0 ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve))),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => listener.close(resolve));
    },
  };
  const left = () => {
    gone++;
    waiting.shift()?.();
  };
  const listener = createServer({ noDelay: true }, (socket) => {
    server.connections++;
    sockets.add(socket);
    socket.on('error', () => {});
    let data = Buffer.alloc(0);
    let ended: (() => void) | undefined;
    socket.on('close', () => ended?.());
    socket.on('data', (piece: Buffer) => {
      data = Buffer.concat([data, piece]);
      const seen = readRequest(data);
      if (!seen) return;
      data = Buffer.alloc(0);
      server.requests.push(seen);
      const script = scripts[Math.min(server.requests.length, scripts.length) - 1]!;
      void play(socket, script, (end) => (ended = end), left);
    });
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  server.url = `http://127.0.0.1:${(listener.address() as AddressInfo).port}/v1`;
  return server;
}

async function play(socket: Socket, script: Script, onClose: (end: () => void) => void, left: () => void) {
  for (const act of script) {
    if (typeof act === 'string' || Buffer.isBuffer(act)) socket.write(act);
    else if ('gate' in act) await (typeof act.gate === 'function' ? act.gate() : act.gate);
    else if ('flood' in act) {
      onClose(left);
      const flood = () => {
        if (socket.destroyed) return;
        // Fills what the kernel takes, then waits for room.
        if (socket.write(act.flood.repeat(64))) setImmediate(flood);
        else socket.once('drain', flood);
      };
      return flood();
    } else if (act.end === 'hold') return onClose(left);
    else if (act.end === 'close') return void socket.end();
    else return void socket.resetAndDestroy();
  }
}

function readRequest(data: Buffer): Seen | undefined {
  const end = data.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [line = '', ...fields] = data.subarray(0, end).toString('latin1').split('\r\n');
  const headers: Record<string, string> = {};
  for (const field of fields) {
    const colon = field.indexOf(':');
    headers[field.slice(0, colon).toLowerCase()] = field.slice(colon + 1).trim();
  }
  const body = data.subarray(end + 4);
  if (headers['transfer-encoding'] === 'chunked' && !body.toString().endsWith('0\r\n\r\n')) return undefined;
  if (body.length < Number(headers['content-length'] ?? 0)) return undefined;
  return { line, headers, body: body.toString() };
}
