// The installed package in Deno, Bun and a headless Chromium, against the gateway at NOVAI_BASE_URL.
//
//     node platforms/run.mjs FOLDER      # a folder in which `npm run package` has installed the tarball
//
// Deno and Bun are npm packages of this folder; Chromium is the machine's, or CHROMIUM says where it is. What is not there is
// named and skipped; the exit code is 2 then, where nothing failed.

import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

import { browser } from './browser.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = `${here}../`;
const folder = process.argv[2];
if (!folder) throw new Error('which folder? `npm run package` prints one');
const bin = (name) => `${here}node_modules/.bin/${name}`;
const has = (program) => spawnSync(program, ['--version']).status === 0;
const run = (program, args) =>
  execFileSync(program, args, {
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 120_000,
  });

copyFileSync(`${here}use.ts`, `${folder}/use.ts`);

async function deno() {
  if (!has(bin('deno'))) return 'deno is not installed: npm install in sdk-typescript/platforms';
  const args = ['--node-modules-dir=manual', '--quiet'];
  run(bin('deno'), ['check', ...args, 'use.ts']);
  expect(run(bin('deno'), ['run', ...args, '--allow-env', '--allow-net=127.0.0.1', 'use.ts']));
  return undefined;
}

async function bun() {
  if (!has(bin('bun'))) return 'bun is not installed: npm install in sdk-typescript/platforms';
  // Bun runs types without looking at them; the compiler looks, with what Bun declares.
  mkdirSync(`${folder}/bun`, { recursive: true });
  copyFileSync(`${here}use.ts`, `${folder}/bun/use.ts`);
  const config = {
    compilerOptions: {
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      noEmit: true,
      target: 'esnext',
      lib: ['esnext'],
      module: 'preserve',
      skipLibCheck: true,
      typeRoots: [`${here}node_modules/@types`],
      types: ['bun'],
    },
    files: ['use.ts'],
  };
  writeFileSync(`${folder}/bun/tsconfig.json`, JSON.stringify(config));
  run(`${root}node_modules/.bin/tsc`, ['-p', 'bun']);
  expect(run(bin('bun'), ['run', 'use.ts']));
  return undefined;
}

function expect(printed) {
  if (!/^whole .+\nstream .+\nfinal stop \d+\n$/.test(printed)) throw new Error(`unexpected output: ${printed}`);
}

async function chromium() {
  const names = [process.env['CHROMIUM'], 'chromium', 'chromium-browser', 'google-chrome', 'chrome'];
  const program = names.find((name) => name && has(name));
  if (!program) return 'no Chromium on this machine: install one, or say in CHROMIUM where it is';
  const { build } = createRequire(`${root}package.json`)('esbuild');
  const bundled = await build({
    stdin: { contents: readFileSync(`${here}page.js`, 'utf8'), resolveDir: folder },
    bundle: true,
    format: 'esm',
    platform: 'browser',
    write: false,
  });
  const results = await browser(program, bundled.outputFiles[0].text);
  const wanted = {
    guard: 'NovAIError: in a browser, anyone who opens the page gets the API key',
    final: 'stop',
    aborted: 'APIUserAbortError',
  };
  for (const [name, start] of Object.entries(wanted)) {
    if (!String(results[name]).startsWith(start)) throw new Error(`${name}: ${JSON.stringify(results)}`);
  }
  if (!(results.events > 1 && results.text.length > 0)) throw new Error(JSON.stringify(results));
  return undefined;
}

for (const [name, platform] of Object.entries({ deno, bun, chromium })) {
  const skipped = await platform();
  console.log(`${skipped ? 'skipped' : 'ok'} ${name}${skipped ? `: ${skipped}` : ''}`);
  if (skipped) process.exitCode = 2;
}
