// Packs the package and installs the tarball into a clean folder, where it must work by `import` and by `require`, and give its
// types to each way of resolving modules, under the strictest flags. Prints the folder, which is left for `platforms`.

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(`${tmpdir()}/novai-package-`);
const run = (program, args, cwd = folder) =>
  execFileSync(program, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });

const manifest = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));
for (const key of ['dependencies', 'peerDependencies', 'optionalDependencies']) {
  if (manifest[key]) throw new Error(`package.json has ${key}: the client needs none`);
}
for (const key of ['preinstall', 'install', 'postinstall', 'prepare']) {
  if (manifest.scripts[key]) throw new Error(`package.json has a script ${key}, which would run on users' machines`);
}

const [{ filename, size, unpackedSize, entryCount, files }] = JSON.parse(
  run('npm', ['pack', '--json', '--silent', '--pack-destination', folder], root).replace(/^[^[]*/, ''),
);
for (const needed of [
  'LICENSE-APACHE',
  'LICENSE-MIT',
  'README.md',
  'api.md',
  'dist/esm/index.js',
  'dist/cjs/index.js',
]) {
  if (!files.some(({ path }) => path === needed)) throw new Error(`${needed} is not in the tarball`);
}

writeFileSync(`${folder}/package.json`, JSON.stringify({ name: 'clean', private: true }));
run('npm', ['install', '--offline', '--no-audit', '--no-fund', '--silent', `./${filename}`]);

const uses = `const client = new NovAI({ apiKey: 'sk-test' });
if (typeof client.chat.completions.create !== 'function' || NovAI !== Default) process.exit(1);
console.log(typeof createChatCompletion);
`;
const names = 'NovAI, createChatCompletion, default: Default';
writeFileSync(`${folder}/esm.mjs`, `import Default, { NovAI, createChatCompletion } from 'novai';\n${uses}`);
writeFileSync(`${folder}/cjs.cjs`, `const { ${names} } = require('novai');\n${uses}`);
for (const file of ['esm.mjs', 'cjs.cjs']) {
  if (run(process.execPath, [file]).trim() !== 'function') throw new Error(`${file} does not work`);
}

// Types, as a user's compiler resolves them; without `skipLibCheck`, so that our own declarations are checked, too.
const typed = `import Default, { NovAI, type ChatCompletion } from 'novai';
export const make = (): NovAI => new NovAI({ apiKey: 'sk-test' });
export const ask = async (client: NovAI): Promise<ChatCompletion> =>
  client.chat.completions.create({ model: 'm', messages: [{ role: 'user', content: 'x' }] });
export const same: typeof NovAI = Default;
`;
mkdirSync(`${folder}/typed`);
for (const extension of ['mts', 'cts', 'ts']) writeFileSync(`${folder}/typed/use.${extension}`, typed);
mkdirSync(`${folder}/node_modules/@types`, { recursive: true });
symlinkSync(`${root}node_modules/@types/node`, `${folder}/node_modules/@types/node`);
const strict = [
  '--strict',
  '--exactOptionalPropertyTypes',
  '--noUncheckedIndexedAccess',
  '--noEmit',
  '--target',
  'es2022',
];
for (const [how, files] of [
  ['--module nodenext', ['use.mts', 'use.cts', 'use.ts']],
  ['--module esnext --moduleResolution bundler', ['use.ts']],
  ['--module node20 --lib es2022,dom', ['use.mts', 'use.cts']],
]) {
  const lib = how.includes('--lib') ? [] : ['--lib', 'es2023,dom,dom.iterable,dom.asynciterable,esnext.disposable'];
  run(`${root}node_modules/.bin/tsc`, [...strict, ...how.split(' '), ...lib, ...files.map((file) => `typed/${file}`)]);
}

console.log(
  `${filename}: ${entryCount} files, ${size} bytes packed, ${unpackedSize} unpacked; import, require and types work`,
);
console.log(folder);
