import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { localFiles } from '../../../src/adapters/scan/local-files.ts';
import { folderReaders, tableReaders } from '../../../src/adapters/scan/registry.ts';
import { scanFolder } from '../../../src/intake/scan.ts';
import type { Figure, Row } from '../row.ts';

const filesPerFolder = 500;
const written = new Date('2026-01-01T00:00:00Z');

const parquet = Buffer.from(
  parquetWriteBuffer({
    columnData: [
      { name: 'id', data: Array.from({ length: 100 }, (_, i) => BigInt(i)), type: 'INT64' },
      { name: 'name', data: Array.from({ length: 100 }, (_, i) => `customer ${i}`), type: 'STRING' },
    ],
  }),
);
const csv = `id,name,paid_at\n${Array.from({ length: 20 }, (_, i) => `${i},customer ${i},2026-01-01\n`).join('')}`;
const json = `${JSON.stringify(Array.from({ length: 20 }, (_, i) => ({ id: i, name: `n${i}`, at: { day: 1 } })))}\n`;
const kinds = [
  ['csv', csv],
  ['json', json],
  ['parquet', parquet],
] as const;

/** A lake of small files of three formats, each a table of its own. */
async function makeLake(dir: string, files: number): Promise<void> {
  for (let at = 0; at < files; at += filesPerFolder) {
    const folder = join(dir, `area${at / filesPerFolder}`);
    await mkdir(folder, { recursive: true });
    await Promise.all(
      Array.from({ length: Math.min(filesPerFolder, files - at) }, async (_, i) => {
        const [extension, content] = kinds[i % kinds.length]!;
        const path = join(folder, `table_${'abcdefghij'[i % 10]}_of_${i}.${extension}`);
        await writeFile(path, content);
        await utimes(path, written, written);
      }),
    );
  }
}

interface Scanned {
  readonly tables: number;
  readonly seconds: number;
  readonly stamps: Map<string, string>;
  /** Of live memory above that of the start: greatest at each tenth of the way, the first tenth left out. */
  readonly growthMiB: number;
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const liveMiB = (): number => {
  collect();
  return process.memoryUsage().heapUsed / 2 ** 20;
};

/** One scan; what it finds is let go, as somebody does who plans item by item. `known`: of the scan before. */
async function scanOnce(dir: string, files: number, known?: ReadonlyMap<string, string>): Promise<Scanned> {
  const tree = await localFiles(dir);
  const stamps = new Map<string, string>();
  let [tables, first, growthMiB] = [0, 0, 0];
  const began = performance.now();
  const isSame =
    known === undefined ? {} : { isSame: (urn: string, stamp: string) => known.get(urn) === stamp };
  for await (const item of scanFolder(tree, {
    source: 'lake',
    readers: tableReaders,
    folderReaders,
    seenAtMs: 1,
    ...isSame,
  })) {
    if (item.kind === 'entity' && item.stamp !== undefined) stamps.set(item.urn, item.stamp);
    if (item.kind !== 'entity' && item.kind !== 'same') continue;
    tables += 1;
    if (known !== undefined || tables % Math.ceil(files / 10) !== 0) continue;
    const now = liveMiB();
    if (first === 0) first = now;
    growthMiB = Math.max(growthMiB, now - first);
  }
  return { tables, seconds: (performance.now() - began) / 1_000, stamps, growthMiB };
}

export const scan: Row = {
  name: 'scan',
  about:
    'small CSV, JSON and Parquet files of a local folder, described; then scanned again with what is remembered',
  async run({ quick, folder }) {
    const files = quick ? 1_000 : 100_000;
    const dir = join(folder, 'lake');
    await makeLake(dir, files);
    const plain = await scanOnce(dir, files);
    const stamped = await scanOnce(dir, files, new Map());
    const again = await scanOnce(dir, files, stamped.stamps);
    const rate = (found: Scanned): string =>
      `${Math.round(files / found.seconds).toLocaleString('en-US')} files/s`;
    const figures: Figure[] = [
      { what: `scan of ${files} small files`, measured: rate(plain), target: '≥ 2,000 files/s' },
      {
        what: 'live memory from the first tenth to the last',
        measured: `+${plain.growthMiB.toFixed(1)} MiB`,
        target: 'flat',
      },
      { what: 'the same again, nothing changed', measured: `${rate(again)}, ${again.tables} tables` },
    ];
    return figures;
  },
};
