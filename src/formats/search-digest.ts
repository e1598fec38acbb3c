import { hash } from 'node:crypto';

const digestBytes = 32;
let scratch = Buffer.allocUnsafeSlow(16 * 1_024);

/**
 * What searches of a whole index should find, in 32 bytes: the XOR over documents of SHA-256(id ‖ 0 ‖ text of the search values).
 * In any order, and parts of an index can be joined: ids are unique. It tells faults apart, not forgeries: what is forged shows
 * in the root.
 */
export interface SearchDigest {
  add(id: string, searchText: Uint8Array): void;
  /** Joins what another one says, as lower-case hex. */
  join(hex: string): void;
  hex(): string;
}

export function searchDigest(): SearchDigest {
  const sum = Buffer.alloc(digestBytes);
  /** Each character a byte: results of `hash` as buffers of their own cost as much as the hash. */
  const mix = (bytes: string): void => {
    for (let at = 0; at < digestBytes; at += 1) sum[at]! ^= bytes.charCodeAt(at);
  };
  return {
    add(id, searchText) {
      const idBytesMax = id.length * 3;
      if (scratch.length < idBytesMax + 1 + searchText.length)
        scratch = Buffer.allocUnsafeSlow(2 * (idBytesMax + 1 + searchText.length));
      const idEnd = scratch.write(id, 0, 'utf8');
      scratch[idEnd] = 0;
      scratch.set(searchText, idEnd + 1);
      mix(hash('sha256', scratch.subarray(0, idEnd + 1 + searchText.length), 'binary'));
    },
    join: (hex) => mix(Buffer.from(hex, 'hex').toString('latin1')),
    hex: () => sum.toString('hex'),
  };
}
