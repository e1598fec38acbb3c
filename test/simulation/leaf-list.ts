import { createHash } from 'node:crypto';

const sha256 = (...parts: readonly (string | Uint8Array)[]): Buffer => {
  const sum = createHash('sha256');
  for (const part of parts) sum.update(part);
  return sum.digest();
};

/** Leaves in order, and the roots of their first n: RFC 6962, computed plainly. */
export interface LeafList {
  readonly size: number;
  text(at: number): string;
  push(text: string): void;
  /** Hashes [first, first + count) of the roots of whole subtrees of 2^level leaves, one after the other. */
  hashes(level: number, first: number, count: number): Buffer;
  root(size: number): Buffer;
}

export const recordLeaf = (place: string, offset: number, bytes: Uint8Array): string =>
  `{${place},"offset":${offset},"record":"${sha256(bytes).toString('hex')}"}`;

export const missingLeaf = (
  place: string,
  { kind, first, next }: { readonly kind: string; readonly first: number; readonly next: number },
): string =>
  `{${place},"offset":${first},"next":${next},"kind":"${kind}","reason":"${kind === 'hole' ? 'sparse' : 'retention'}"}`;

const node = (left: Buffer, right: Buffer): Buffer => sha256('\u0001', left, right);

export function leafList(): LeafList {
  const texts: string[] = [];
  /** Level by level the roots of the whole subtrees. */
  const levels: Buffer[][] = [];
  return {
    get size() {
      return texts.length;
    },
    text: (at) => texts[at]!,
    push(text) {
      texts.push(text);
      let hash = sha256('\0', text);
      for (let level = 0; ; level += 1) {
        levels[level] ??= [];
        const row = levels[level]!;
        row.push(hash);
        if (row.length % 2 === 1) return;
        hash = node(row.at(-2)!, hash);
      }
    },
    hashes: (level, first, count) => Buffer.concat((levels[level] ?? []).slice(first, first + count)),
    root(size) {
      let right: Buffer | undefined;
      for (let level = 0, rest = size; rest > 0; level += 1, rest >>= 1) {
        if (rest % 2 === 0) continue;
        const whole = levels[level]![rest - 1]!;
        right = right === undefined ? whole : node(whole, right);
      }
      return right ?? sha256('');
    },
  };
}
