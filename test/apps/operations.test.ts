import { expect, test } from 'vitest';
import { operations, type Underway } from '../../src/apps/operations.ts';
import { Fault } from '../../src/domain/fault.ts';

const begun = (id: string): Underway => ({ id, state: 'running', fault: null });

test('an operation tells how it ended; one that is not known is told as such', async () => {
  await using all = operations<Underway>();
  all.start(begun('done'), async () => ({}));
  all.start(begun('failed'), () => Promise.reject(new Fault('STORE_UNAVAILABLE', {})));
  all.start(begun('broken'), () => Promise.reject(new Error('of ours')));
  expect(await all.ended('done')).toMatchObject({ state: 'done', fault: null });
  expect(await all.ended('failed')).toMatchObject({ state: 'failed', fault: { code: 'STORE_UNAVAILABLE' } });
  expect(await all.ended('broken')).toMatchObject({ state: 'failed', fault: { code: 'INTERNAL' } });
  await expect(all.ended('never')).rejects.toMatchObject({ code: 'OPERATION_UNKNOWN' });
});

test('the oldest that have ended are forgotten, also while somebody waits for them', async () => {
  await using all = operations<Underway>();
  const [last, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  all.start(begun('waited for'), async () => {
    await go.promise;
    return {};
  });
  const waiting = all.ended('waited for');
  go.resolve();
  await waiting;
  for (let n = 0; n < 101; n += 1) all.start(begun(String(n)), async () => ({}));
  all.start(begun('running'), async () => {
    await last.promise;
    return {};
  });
  expect(all.find('waited for')).toBeUndefined();
  await expect(all.ended('waited for')).rejects.toMatchObject({ code: 'OPERATION_UNKNOWN' });
  expect(all.find('running')).toMatchObject({ state: 'running' });
  last.resolve();
});
