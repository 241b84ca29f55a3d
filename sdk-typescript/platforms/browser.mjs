// A page in a headless Chromium that needs no driver: it posts its results to the server that it came from.

import { spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import { tmpdir } from 'node:os';

/** Long enough for a browser's first start on a busy machine; reached only if the page hangs. */
const TIMEOUT_MS = 60_000;

/** Runs `script` in `program` and returns what it posts to `/results`. `/v1` is the gateway at NOVAI_BASE_URL. */
export async function browser(program, script) {
  const profile = mkdtempSync(`${tmpdir()}/novai-chromium-`);
  let child;
  let timer;
  const server = createServer();
  try {
    return await new Promise((resolve, reject) => {
      timer = setTimeout(() => reject(new Error('the page posted no results')), TIMEOUT_MS);
      server.on('request', (incoming, outgoing) => {
        if (incoming.url === '/') {
          outgoing.setHeader('content-type', 'text/html');
          outgoing.end(`<!doctype html><script type="module">${script.replaceAll('</script', '<\\/script')}</script>`);
        } else if (incoming.url === '/results') {
          let body = '';
          incoming.on('data', (part) => (body += part));
          incoming.on('end', () => {
            outgoing.end();
            resolve(JSON.parse(body));
          });
        } else if (incoming.url.startsWith('/v1/')) {
          pass(incoming, outgoing);
        } else {
          outgoing.writeHead(404).end();
        }
      });
      server.listen(0, '127.0.0.1', () => {
        const page = `http://127.0.0.1:${server.address().port}/`;
        // Containers have neither the sandbox's system calls nor much shared memory.
        const flags = [
          '--headless',
          '--no-sandbox',
          '--disable-gpu',
          '--disable-dev-shm-usage',
          `--user-data-dir=${profile}`,
        ];
        // A group of its own: its helpers outlive it, and go on writing into the profile.
        child = spawn(program, [...flags, page], { stdio: 'ignore', detached: true });
        child.on('error', reject);
        child.on('exit', (code, signal) => reject(new Error(`${program} ended by itself: ${signal ?? code}`)));
      });
    });
  } finally {
    clearTimeout(timer);
    server.close();
    server.closeAllConnections();
    if (child?.pid) {
      const isRunning = child.exitCode === null && child.signalCode === null;
      const ended = isRunning && new Promise((resolve) => child.on('exit', resolve));
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It ended by itself, and none of its helpers is left.
      }
      await ended;
    }
    // Helpers that are still ending make this ENOTEMPTY. (`rmSync` tries again for the outermost folder only.)
    await rm(profile, { recursive: true, force: true, maxRetries: 10 });
  }
}

/** Hands a call on to the gateway, as it comes, with the key that the page does not have. */
function pass(incoming, outgoing) {
  const url = process.env['NOVAI_BASE_URL'].replace(/\/v1$/, incoming.url);
  const { host, origin, referer, ...headers } = incoming.headers;
  headers.authorization = `Bearer ${process.env['NOVAI_API_KEY']}`;
  const call = request(url, { method: incoming.method, headers }, (reply) => {
    outgoing.writeHead(reply.statusCode, reply.headers);
    reply.pipe(outgoing);
    outgoing.on('close', () => reply.destroy());
  });
  call.on('error', () => outgoing.destroy());
  incoming.pipe(call);
}
