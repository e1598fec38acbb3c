import { hash } from 'node:crypto';

const digestBytes = 32;

/**
 * What searches of a whole index should find, in 32 bytes: the XOR over documents of SHA-256(id ‖ 0 ‖ text of the search values).
 * In any order, and parts of an index can be joined: ids are unique. It tells faults apart, not forgeries: what is forged shows
 * in the root.
 */
export interface SearchDigest {
  add(id: string, searchText: string): void;
  /** Joins what another one says, as lower-case hex. */
  join(hex: string): void;
  hex(): string;
}

export function searchDigest(): SearchDigest {
  const sum = Buffer.alloc(digestBytes);
  const mix = (bytes: Uint8Array): void => {
    for (let at = 0; at < digestBytes; at += 1) sum[at]! ^= bytes[at]!;
  };
  return {
    add: (id, searchText) => mix(hash('sha256', `${id}\0${searchText}`, 'buffer')),
    join: (hex) => mix(Buffer.from(hex, 'hex')),
    hex: () => sum.toString('hex'),
  };
}
