// What it costs to import an SDK and to make a client. Argument: `novai` or `openai`. Says `CPU_MS RSS_KIB`.
//
// Node 20 does not say how many files it has loaded.

import { makeClient } from './sdk.mjs';

const before = process.cpuUsage();
await makeClient(process.argv[2], 'http://127.0.0.1:9/v1', 'sk-bench');
const { user, system } = process.cpuUsage(before);
console.log(`${((user + system) / 1000).toFixed(1)} ${Math.round(process.memoryUsage.rss() / 1024)}`);
