// The two SDKs by name, as they are published: ours as `npm run build` left it, OpenAI's as the conformance adapters have it.

export const entries = {
  novai: new URL('../../../../sdk-typescript/dist/esm/index.js', import.meta.url).href,
  openai: new URL('../../../../conformance/adapters/typescript/node_modules/openai/index.mjs', import.meta.url).href,
};

export async function makeClient(sdk, baseURL, apiKey) {
  const { NovAI, OpenAI } = await import(entries[sdk]);
  return new (NovAI ?? OpenAI)({ baseURL, apiKey });
}
