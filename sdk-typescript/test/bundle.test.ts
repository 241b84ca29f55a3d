/** How much of the package a bundler keeps for one streaming call. Bytes, minified and compressed, are the measure. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

/** Law A11. */
const GZIP_BYTES_MAX = 12 << 10;

const call = "{ model: 'm', messages: [], stream: true }";
const cases = [
  ['function', `import { Client, createChatCompletion } from 'novai';`, `createChatCompletion(new Client(), ${call})`],
  ['namespace', `import { NovAI } from 'novai';`, `new NovAI().chat.completions.create(${call})`],
] as const;

for (const [name, imports, stream] of cases) {
  test(`one streaming call by ${name} is at most ${GZIP_BYTES_MAX} bytes`, async () => {
    const { outputFiles } = await build({
      stdin: {
        contents: `${imports}\nfor await (const chunk of await ${stream}) console.log(chunk);`,
        // The package itself, as its `exports` say.
        resolveDir: fileURLToPath(new URL('../..', import.meta.url)),
      },
      bundle: true,
      minify: true,
      format: 'esm',
      platform: 'browser',
      target: 'es2022',
      write: false,
    });
    const bytes = gzipSync(outputFiles[0]!.contents, { level: 9 }).length;
    console.log(`${name}: ${bytes} bytes gzip, ${outputFiles[0]!.contents.length} minified`);
    assert.ok(
      bytes <= GZIP_BYTES_MAX,
      `${bytes} bytes: see what grew with "npx esbuild --bundle --minify --analyze", then move it out of the core's imports`,
    );
  });
}

test('an operation that does not stream brings no accumulator', async () => {
  const { metafile } = await build({
    stdin: {
      contents: `import { Client, listModels } from 'novai';\nconsole.log(await listModels(new Client()));`,
      resolveDir: fileURLToPath(new URL('../..', import.meta.url)),
    },
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    write: false,
    metafile: true,
  });
  const kept = Object.entries(Object.values(metafile.outputs)[0]!.inputs)
    .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
    .map(([path]) => path);
  for (const unused of ['accumulate', 'stream', 'sse', 'chat_completions']) {
    assert.ok(!kept.some((path) => path.endsWith(`/${unused}.js`)), `${unused}.js is in the bundle: ${kept.join(' ')}`);
  }
});
