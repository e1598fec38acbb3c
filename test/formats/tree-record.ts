import { recordHash, recordLeafText } from '../../src/formats/leaf.ts';
import { encodeRecord } from '../../src/formats/segment.ts';

/** Record i of the tree vectors. */
export function treeRecord(i: number): Buffer {
  return encodeRecord({
    offset: i,
    appendTime: 1_763_600_000_000 + 10 * i,
    key: Buffer.from(`urn:li:dataset:(urn:li:dataPlatform:hive,db.t${i % 7},PROD)`),
    value: Buffer.from(`value-${i}`),
    headers: [
      [Buffer.from('annal-epoch'), Buffer.from('1')],
      [Buffer.from('n'), Buffer.from(String(i))],
    ],
  });
}
export const treeLeafText = (i: number): string =>
  recordLeafText({ epoch: 1, partition: 0, offset: i }, recordHash(treeRecord(i)));
