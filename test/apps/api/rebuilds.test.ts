import { afterAll, beforeAll, expect, test } from 'vitest';
import { openNote } from '../../../src/formats/note.ts';
import { parseVkey } from '../../../src/formats/note-key.ts';
import { checkpointName, metaTreeName, vkeyName } from '../../../src/streams/tree-names.ts';
import { type Calling, properties, type ServedAnnal, servedAnnal } from '../../given/api.ts';

let served: ServedAnnal;
let call: Calling;

beforeAll(async () => {
  served = await servedAnnal();
  call = served.call;
  await served.put(properties('orders'), properties('customers'));
});
afterAll(() => served[Symbol.asyncDispose]());

const projection = async () => (await call('GET', '/v1/projections')).json.items[0];

async function rebuilt(body: object = {}): Promise<{ id: string; index: string; [name: string]: unknown }> {
  const begun = await call('POST', '/v1/rebuilds', { body: { projection: 'entities', ...body } });
  expect(begun.status, begun.text).toBe(202);
  const ended = await call('GET', `${begun.headers.location}?wait=60s`);
  expect(ended.json).toMatchObject({ state: 'done', fault: null });
  return ended.json.rebuilt;
}

test('what a rebuild replaces is kept and shown, served again by a rollback, gone when it is retired', async () => {
  const first = (await projection()).index;
  expect(await projection()).toMatchObject({ kept: null, beside: [] });
  const rollback = () => call('POST', '/v1/projections/entities/rollback');
  expect((await rollback()).json).toMatchObject({ status: 404, code: 'INDEX_NOT_KEPT' });
  const { index } = await rebuilt();
  await served.put(properties('later'));
  // It follows the log though it does not serve.
  const following = { index: first, documents: 3, version: 1, lag: 0, fault: null };
  await expect.poll(async () => (await projection()).kept, { timeout: 10_000 }).toMatchObject(following);
  const { kept } = await projection();
  expect((await call('GET', '/metrics')).text).toMatch(
    /^annal_kept_index_lag_events\{projection="entities"\} 0$/m,
  );
  const back = await rollback();
  expect(back.json).toMatchObject({ index: first, stands: kept.cut, replaced: index });
  expect(await projection()).toMatchObject({ index: first, kept: { index } });
  expect((await call('GET', '/v1/search?q=later')).json.total).toBe(1);
  const retired = await call('POST', '/v1/projections/entities/retire', { body: {} });
  expect(retired.json).toMatchObject({ projection: 'entities', retired: index });
  expect((await rollback()).status).toBe(404);
  expect((await call('POST', '/v1/projections/nothing/rollback')).json.code).toBe('PROJECTION_UNKNOWN');
});

test('at a past cut: an index beside the one that serves, until it is retired by its name', async () => {
  const serving = (await projection()).index;
  const { cut } = await projection();
  await served.put(properties('after_the_cut'));
  const body = { projection: 'entities', plan: true, asOf: cut };
  const { plans } = (await call('POST', '/v1/rebuilds', { body })).json;
  expect(plans).toMatchObject([{ kind: 'as-of', until: cut, replaces: null, drops: null }]);
  const report = await rebuilt({ asOf: cut });
  expect(report).toMatchObject({ kind: 'as-of', cut, documents: 3, replaced: null });
  expect(await projection()).toMatchObject({
    index: serving,
    documents: 4,
    beside: [{ index: report.index, cut }],
  });
  const wrong = async (asOf: string) =>
    (await call('POST', '/v1/rebuilds', { body: { ...body, asOf } })).json.code as string;
  expect(await wrong('9:1')).toBe('CUT_INVALID');
  expect(await wrong('2999-01-01')).toBe('MOMENT_INVALID');
  expect(await wrong('@1-0-0')).toBe('MOMENT_INVALID');
  const early = await call('POST', '/v1/rebuilds', { body: { projection: 'entities', asOf: '2001-01-01' } });
  const refused = await call('GET', `${early.headers.location}?wait=60s`);
  expect(refused.json).toMatchObject({ state: 'failed', resumable: false, fault: { code: 'REBUILD_EMPTY' } });
  const accepted = await rebuilt({ asOf: '2001-01-01', acceptEmpty: true });
  expect(accepted).toMatchObject({ kind: 'as-of', documents: 0 });
  await call('POST', '/v1/projections/entities/retire', { body: { index: accepted.index } });
  const index = report.index;
  await call('POST', '/v1/projections/entities/retire', { body: { index } });
  expect((await projection()).beside).toEqual([]);
});

test('a report is signed by the key whose open half stands in the archive, and lists what was done', async () => {
  await served.put(properties('a_moment_ago'));
  const { id, root, fold } = await rebuilt();
  const { json } = await call('GET', `/v1/rebuilds/${id}/report`);
  const { truth } = served.annal.ports.archive;
  let vkey = '';
  for await (const { name } of truth.list('keys/')) vkey = (await truth.read(name))!.toString('utf8').trim();
  const verifier = parseVkey(vkey);
  expect(vkeyName(verifier.keyId)).toMatch(/^keys\//);
  const { text, known } = openNote(Buffer.from(json.note), [verifier]);
  expect(known).toHaveLength(1);
  const [title, told] = text.split('\n');
  expect(title).toBe('annal rebuild report v1');
  expect(JSON.parse(told!)).toEqual(json.report);
  const { cut, log, checkpoint } = json.report;
  expect(json.report).toMatchObject({ id, root, fold, checkpoint: { cut, origin: `annal/${log}` } });
  const signed = await truth.read(checkpointName(metaTreeName(log, 'annal'), checkpoint.size));
  expect(openNote(signed!, [verifier]).text).toContain(`\n${checkpoint.size}\n${checkpoint.root}\n`);
  const forged = json.note.replace(`"documents":`, `"documents":1`);
  expect(() => openNote(Buffer.from(forged), [verifier])).toThrow('NOTE_INVALID');
  expect(json.markdown).toContain(json.note.trimEnd());
  expect((await call('GET', '/v1/rebuilds/none/report')).json.code).toBe('OPERATION_UNKNOWN');
  const { items } = (await call('GET', '/v1/rebuilds')).json;
  expect(items[0]).toMatchObject({ id, state: 'done', rebuilt: { root } });
});

test('followed as events to its end; one that is not there is not cancelled', async () => {
  const begun = await call('POST', '/v1/rebuilds', { body: { projection: 'history' } });
  const { headers, text } = await call('GET', `${begun.headers.location}/events`);
  expect(headers['content-type']).toMatch(/^text\/event-stream/);
  const events = text
    .trim()
    .split('\n\n')
    .map((event) => /^event: (\w+)\ndata: (.*)$/.exec(event)!);
  expect(events.at(-1)![1]).toBe('done');
  expect(JSON.parse(events.at(-1)![2]!)).toMatchObject({ kind: 'rebuild', state: 'done' });
  for (const path of [`${begun.headers.location}`, '/v1/rebuilds/none'])
    expect((await call('DELETE', path)).json).toMatchObject({ status: 404, code: 'OPERATION_UNKNOWN' });
});
