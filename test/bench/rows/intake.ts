import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { localOwner } from '../../../src/domain/policy.ts';
import { embedded } from '../../given/annal.ts';

import { requestBody } from '../data.ts';
import { alternating, median, perSecond } from '../measure.ts';
import { annalStart } from '../processes.ts';
import type { Row } from '../row.ts';

const perBatch = 500;

/** Sends the bodies one after the other; events per second. */
async function rate(bodies: readonly Buffer[], send: (body: Buffer) => Promise<number>): Promise<number> {
  const began = performance.now();
  for (const body of bodies) {
    const appended = await send(body);
    if (appended !== perBatch) throw new Error(`${appended} of ${perBatch} events were appended`);
  }
  return (bodies.length * perBatch) / ((performance.now() - began) / 1_000);
}

async function overHttp(data: string, bodies: readonly Buffer[]): Promise<number> {
  await using server = await annalStart(data, ['--no-sample']);
  await server.ready();
  return await rate(bodies, async (body) => {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${server.url}/v1/events`, {
      method: 'POST',
      headers,
      body: new Uint8Array(body),
    });
    return Number(((await response.json()) as Record<string, unknown>).appended);
  });
}

async function inProcess(bodies: readonly Buffer[]): Promise<number> {
  await using given = await embedded();
  await using annal = await given.open();
  return await rate(bodies, async (body) => {
    const submitted = await annal.runtime.intake!.submit({ body, principal: localOwner });
    if (submitted.kind === 'invalid') throw new Error(submitted.fault.code);
    return submitted.results.filter(({ status }) => status === 'appended').length;
  });
}

/** The same bodies written to a file, each synced before the next. */
async function toFile(file: string, bodies: readonly Buffer[]): Promise<number> {
  await using handle = await open(file, 'w');
  return await rate(bodies, async (body) => {
    await handle.write(body);
    await handle.datasync();
    return perBatch;
  });
}

export const intake: Row = {
  name: 'intake',
  about: `embedded, durable, one batch of ${perBatch} events after the other, read models following`,
  async run({ folder, quick, rounds }) {
    const batches = quick ? 4 : 100;
    const bodies = Array.from({ length: batches }, (_, n) =>
      requestBody(n * perBatch, perBatch, batches * perBatch),
    );
    const file = (round: number): Promise<number> => toFile(join(folder, `intake-${round}.json`), bodies);
    const http = await alternating(
      quick ? 1 : rounds,
      (round) => overHttp(join(folder, `intake-${round}`), bodies),
      file,
    );
    const process = await alternating(quick ? 1 : rounds, () => inProcess(bodies), file);
    const figure = (what: string, { a, b }: typeof http) => ({
      what,
      measured: `${perSecond(a)} events`,
      beside: `a batch written to a file and synced takes ${median(b.map((one) => (1_000 * perBatch) / one)).toFixed(1)} ms`,
      target: '≥ 5,000/s',
    });
    return [figure('POST /v1/events', http), figure('within the process', process)];
  },
};
