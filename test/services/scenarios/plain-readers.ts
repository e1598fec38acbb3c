import { randomUUID } from 'node:crypto';
import type { PlainRecord } from '../../given/plain-reducer.ts';
import type { PlainDocument } from '../../given/plain-root.ts';
import { asAdmin, json, kafkaOf } from './own-profile.ts';

/** A whole topic by partition, read by a consumer of kafkajs's own. */
export async function readTopic(
  servers: { readonly kafkaBrokers: string[] },
  topic: string,
): Promise<PlainRecord[][]> {
  const ends = await asAdmin(servers, (admin) => admin.fetchTopicOffsets(topic));
  const lanes: PlainRecord[][] = ends.map(() => []);
  const endOf = new Map(ends.map(({ partition, high }) => [partition, Number(high)]));
  const isWhole = (): boolean =>
    lanes.every((lane, partition) => (lane.at(-1)?.offset ?? -1) + 1 >= endOf.get(partition)!);
  const consumer = kafkaOf(servers).consumer({ groupId: `plain-${randomUUID()}` });
  await consumer.connect();
  try {
    await consumer.subscribe({ topic, fromBeginning: true });
    const whole = Promise.withResolvers<void>();
    if (isWhole()) whole.resolve();
    const eachBatch = async ({ batch }: { batch: { partition: number; messages: readonly Consumed[] } }) => {
      for (const message of batch.messages) lanes[batch.partition]!.push(recordOf(message));
      if (isWhole()) whole.resolve();
    };
    consumer.run({ eachBatch }).catch(whole.reject);
    await whole.promise;
    return lanes;
  } finally {
    await consumer.disconnect();
  }
}

type HeaderValue = Buffer | string | null | undefined;

interface Consumed {
  readonly offset: string;
  readonly timestamp: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: Readonly<Record<string, HeaderValue | readonly HeaderValue[]>>;
}

const bytesOf = (value: HeaderValue): Buffer | null =>
  value === null || value === undefined ? null : Buffer.from(value);

const recordOf = ({ offset, timestamp, key, value, headers = {} }: Consumed): PlainRecord => ({
  ...{ offset: Number(offset), timestamp: Number(timestamp), key, value },
  headers: Object.fromEntries(
    Object.entries(headers).map(([name, found]) => [
      name,
      Array.isArray(found) ? found.map(bytesOf) : [bytesOf(found as HeaderValue)],
    ]),
  ),
});

const documentsPerPage = 2_000;

/** Every document of the index that an alias names, hidden ones too, as the engine's own API gives them. */
export async function readIndex(url: string, alias: string): Promise<readonly PlainDocument[]> {
  const [index] = Object.keys((await json(`${url}/${alias}`)) as object);
  const post = async (path: string, body?: object): Promise<Buffer> => {
    const answer = await fetch(`${url}${path}`, {
      method: 'POST',
      ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`);
    return Buffer.from(await answer.arrayBuffer());
  };
  await post(`/${index}/_refresh`);
  const { id } = JSON.parse(String(await post(`/${index}/_pit?keep_alive=1m`))) as { id: string };
  const documents: PlainDocument[] = [];
  for (let after: unknown; ; ) {
    const page = await post('/_search', {
      ...{ size: documentsPerPage, version: true, track_total_hits: false, sort: [{ _shard_doc: 'asc' }] },
      pit: { id, keep_alive: '1m' },
      ...(after === undefined ? {} : { search_after: after }),
    });
    const { hits } = JSON.parse(String(page)) as { hits: { hits: Found[] } };
    const bodies = bodiesIn(page);
    // A lane's progress is no document: it has no body.
    for (const { _source, _version } of hits.hits)
      if (_source.body !== undefined)
        documents.push({
          ...{ id: _source.doc_id!, version: _version },
          body: typeof _source.body === 'string' ? Buffer.from(_source.body) : bodies.next().value!,
        });
    if (hits.hits.length < documentsPerPage) return documents;
    after = hits.hits.at(-1)!.sort;
  }
}

interface Found {
  readonly _version: number;
  readonly sort: unknown;
  readonly _source: {
    readonly doc_id?: string;
    readonly body?: string | readonly [size: number, body: object];
  };
}

const beforeBody = '"body":[';

/** The bytes of bodies that stand in an answer as they are, in its order: `[size,body]`. */
function* bodiesIn(page: Buffer): Generator<Buffer, undefined> {
  for (let at = page.indexOf(beforeBody); at >= 0; at = page.indexOf(beforeBody, at)) {
    const comma = page.indexOf(',', at);
    const size = Number(page.toString('latin1', at + beforeBody.length, comma));
    at = comma + 1 + size;
    yield page.subarray(comma + 1, at);
  }
}
