/** Waiting for a job: when it is asked for again, and what ends the waiting. Time is a number here. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { APITimeoutError, APIUserAbortError } from '../src/index.js';
import { wait, type WaitOptions } from '../src/runtime/jobs.js';

const job = { status: 'status', done: ['completed', 'failed'] };

/** Runs through the statuses, the last of which stays; returns the job and the pauses between the questions. */
async function check(statuses: string[], options?: WaitOptions): Promise<[status: string, pauses: number[]]> {
  const pauses: number[] = [];
  let now = 0;
  let asked = 0;
  const clock = {
    now: () => now,
    sleep: async (ms: number) => {
      pauses.push(ms);
      now += ms;
    },
  };
  const retrieve = async () => ({ status: statuses[Math.min(asked++, statuses.length - 1)]! });
  const { status } = await wait(retrieve, job, options, clock);
  return [status, pauses];
}

test('a job that is done needs no pause', async () => {
  assert.deepEqual(await check(['completed']), ['completed', []]);
});

test('pauses grow, up to ten times the first', async () => {
  const running = Array.from({ length: 8 }, () => 'running');
  const pauses = [100, 150, 225, 337.5, 506.25, 759.375, 1000, 1000];
  assert.deepEqual(await check([...running, 'failed'], { pollIntervalMs: 100 }), ['failed', pauses]);
});

test('a wait that would end too late is not begun', async () => {
  const late = check(['running'], { pollIntervalMs: 100, waitTimeoutMs: 300 });
  await assert.rejects(late, (error) => {
    assert.ok(error instanceof APITimeoutError);
    assert.deepEqual(error.partial, { status: 'running' });
    return true;
  });
});

test('a signal ends it', async () => {
  await assert.rejects(check(['running'], { signal: AbortSignal.abort('enough') }), (error) => {
    assert.ok(error instanceof APIUserAbortError);
    assert.equal(error.cause, 'enough');
    return true;
  });
});
