import { sqliteReadModel } from '../../../src/adapters/sqlite/read-model.ts';

// Stores a document and its progress again and again, and says each time which one was acknowledged.
const model = sqliteReadModel({ dir: process.argv[2]! });
const index = await model.create(
  { projection: 'killed', version: 1, fields: { key: 'keyword', words: 'words' } },
  'a',
);
await model.swap('killed', null, index.name);
for (let n = 1; ; n++) {
  const search = { key: `k${n}`, words: ['all', `w${n}`] };
  await index.store([{ id: `d${n}`, version: n, body: Buffer.from(`{"n":${n}}`), search }], n);
  await index.saveProgress([{ epoch: 1, partition: 0, next: n + 1, timeMax: n }]);
  process.stdout.write(`${n}\n`);
}
