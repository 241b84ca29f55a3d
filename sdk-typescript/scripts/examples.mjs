// Runs every file of `examples` and every TypeScript block of README.md against the gateway at NOVAI_BASE_URL, as users would:
// checked by the compiler, and with `novai` resolved by this package's own `exports`.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const build = `${root}build/examples`;

rmSync(build, { recursive: true, force: true });
mkdirSync(`${build}/src`, { recursive: true });
for (const file of readdirSync(`${root}examples`)) {
  writeFileSync(`${build}/src/${file}`, readFileSync(`${root}examples/${file}`));
}
const readme = readFileSync(`${root}README.md`, 'utf8');
for (const [at, [, code]] of [...readme.matchAll(/```ts\n(.*?)```/gs)].entries()) {
  // Without an import or export, a file is no module and may not await.
  writeFileSync(`${build}/src/readme_${at + 1}.ts`, `${code}export {};\n`);
}

const config = {
  extends: '../../tsconfig.json',
  compilerOptions: { noEmit: false, rootDir: 'src', outDir: 'out', types: ['node'] },
  include: ['src'],
};
writeFileSync(`${build}/tsconfig.json`, JSON.stringify(config));
execFileSync(`${root}node_modules/.bin/tsc`, ['-p', build], { stdio: 'inherit' });

let failed = 0;
const names = readdirSync(`${build}/out`);
for (const name of names) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [`${build}/out/${name}`], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  console.log(`${status === 0 ? 'ok  ' : 'FAIL'} ${name}`);
  if (status !== 0 || !stdout.trim()) {
    failed += 1;
    console.log(stdout || '(printed nothing)', stderr);
  }
}
console.log(`${names.length} examples, ${failed} failed`);
process.exitCode = failed ? 1 : 0;
