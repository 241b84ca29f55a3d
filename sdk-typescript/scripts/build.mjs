// Builds `dist`: the same modules twice, as ES modules and as CommonJS, each with its own types.
//
// Nothing is bundled, so that a bundler sees every module and keeps only what is used.

import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const compiler = fileURLToPath(new URL('../node_modules/.bin/tsc', import.meta.url));

for (const folder of ['dist', 'build']) rmSync(`${root}${folder}`, { recursive: true, force: true });
for (const [folder, type] of [
  ['esm', 'module'],
  ['cjs', 'commonjs'],
]) {
  execFileSync(compiler, ['-p', `tsconfig.${folder}.json`], { cwd: root, stdio: 'inherit' });
  mkdirSync(`${root}dist/${folder}`, { recursive: true });
  // The nearest package.json says what `.js` means.
  writeFileSync(`${root}dist/${folder}/package.json`, `${JSON.stringify({ type, sideEffects: false })}\n`);
}
