// What a bundler keeps of an SDK for one streaming call in a browser. Says `NAME MINIFIED_BYTES GZIP_BYTES`, one a line.

import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

import { entries } from './sdk.mjs';

const sdk = new URL('../../../../sdk-typescript/package.json', import.meta.url);
const { build } = createRequire(sdk)('esbuild');

const call = "{ model: 'm', messages: [], stream: true }";
const cases = {
  'novai-function': ['novai', '{ Client, createChatCompletion }', `createChatCompletion(new Client(), ${call})`],
  'novai-client': ['novai', '{ NovAI }', `new NovAI().chat.completions.create(${call})`],
  openai: ['openai', 'OpenAI', `new OpenAI().chat.completions.create(${call})`],
};

for (const [name, [entry, imports, stream]] of Object.entries(cases)) {
  const { outputFiles } = await build({
    stdin: {
      contents: `import ${imports} from ${JSON.stringify(fileURLToPath(entries[entry]))};\nfor await (const chunk of await ${stream}) console.log(chunk);`,
      resolveDir: fileURLToPath(new URL('.', import.meta.url)),
    },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    // Optional parts of OpenAI's, which a browser does not load.
    external: ['@aws-sdk/*', '@smithy/*', 'ws', 'zod', 'zod/*'],
    logLevel: 'error',
    write: false,
  });
  const { contents } = outputFiles[0];
  console.log(`${name} ${contents.length} ${gzipSync(contents, { level: 9 }).length}`);
}
