/** Words longer than this are cut: no reader types more, and an index should not grow by them. */
const wordLengthMax = 256;
/** A document has at most this many different words. */
const wordsMax = 5_000;

const wholeWords = /[^\s,;()[\]{}<>"'`|]+/gu;
const trimmed = /^[.:/\-_#@!?*+=~&%$]+|[.:/\-_!?*+=~&%$]+$/gu;
const partBorders = /[^\p{L}\p{N}\p{M}\p{S}\p{Co}]+/u;
const humps = /(?<=\p{Ll}|\p{N})(?=\p{Lu})/u;

const lower = (text: string): string => text.normalize('NFKC').toLowerCase();

/**
 * The words a document is found by: each run of text whole (`db.orders`, `cust_id`), its parts (`db`, `orders`, `cust`,
 * `id`) and the humps of camel case (`custId`: `custid`, `cust`, `id`), lower-cased. Made here and nowhere else, so every
 * engine finds the same documents by the same words.
 */
export function searchWords(...texts: readonly string[]): string[] {
  const words = new Set<string>();
  const add = (word: string): void => {
    if (word !== '' && words.size < wordsMax) words.add(word.slice(0, wordLengthMax));
  };
  for (const text of texts) {
    for (const run of text.match(wholeWords) ?? []) {
      const whole = run.replace(trimmed, '');
      add(lower(whole));
      for (const part of whole.split(partBorders)) {
        add(lower(part));
        for (const hump of part.split(humps)) add(lower(hump));
      }
    }
  }
  return [...words];
}

/** The words of a search box: each run whole, not taken apart, so that `cust_id` does not find every `id`. */
export function queryWords(text: string): string[] {
  const words = (text.match(wholeWords) ?? []).map((run) =>
    lower(run.replace(trimmed, '')).slice(0, wordLengthMax),
  );
  return [...new Set(words.filter((word) => word !== ''))].slice(0, 32);
}
