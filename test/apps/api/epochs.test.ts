import { expect, test } from 'vitest';
import { properties, servedAnnal } from '../../given/api.ts';

test('list, plan, turn and what it tells; done again it changes nothing; asked otherwise it is a conflict', async () => {
  await using served = await servedAnnal();
  const { call } = served;
  await served.put(properties('orders'));
  const items = async () => (await call('GET', '/v1/epochs')).json.items;
  expect(await items()).toMatchObject([
    { epoch: 1, topic: 'annal.e1', partitions: 2, state: 'open', end: null },
  ]);

  const asked = { action: 'open', partitions: 3 };
  const planned = await call('POST', '/v1/epochs', { body: { ...asked, plan: true } });
  expect(planned).toMatchObject({
    status: 200,
    json: {
      plan: {
        ...{ epoch: 1, closed: false, done: false, waitMs: 0, lost: null },
        opens: { epoch: 2, topic: 'annal.e2', partitions: 3 },
      },
    },
  });
  expect(await items()).toHaveLength(1);

  for (const times of [1, 2]) {
    const begun = await call('POST', '/v1/epochs', { body: { ...asked, after: 1 } });
    expect(begun.status, `${times}`).toBe(202);
    expect(begun.headers.location).toBe(begun.json.operation.link);
    const ended = await call('GET', `${begun.headers.location}?wait=60s`);
    expect(ended.json).toMatchObject({
      ...{ state: 'done', action: 'open', fault: null },
      report: { epoch: 1, events: 1, opened: { epoch: 2, partitions: 3 } },
    });
  }
  expect(await items()).toMatchObject([
    { epoch: 1, state: 'ended', events: 1, end: expect.stringMatching(/^1:(?:0\.1|1\.0)$/) },
    { epoch: 2, state: 'open', partitions: 3 },
  ]);
  const otherwise = { action: 'open', partitions: 4, after: 1 };
  expect((await call('POST', '/v1/epochs', { body: otherwise })).json).toMatchObject({
    ...{ status: 409, code: 'EPOCH_TAKEN', epoch: 2, partitions: 3 },
  });
  expect((await call('POST', '/v1/epochs', { body: { action: 'close', after: 9 } })).json).toMatchObject({
    code: 'EPOCH_TAKEN',
  });
  expect((await call('POST', '/v1/epochs', { body: { action: 'open', lost: true } })).json).toMatchObject({
    ...{ status: 409, code: 'LOG_PRESENT' },
  });
  expect((await call('GET', '/v1/epochs/operations/none')).json).toMatchObject({ code: 'OPERATION_UNKNOWN' });
  expect((await call('POST', '/v1/epochs', { body: { action: 'grow' } })).status).toBe(400);
  await served.put(properties('customers'));
  expect((await call('GET', '/v1/search?q=customers')).json.total).toBe(1);
});
