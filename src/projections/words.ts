/** Words longer than this are cut: no reader types more, and an index should not grow by them. */
const wordLengthMax = 256;
/** A document has at most this many different words. */
const wordsMax = 5_000;

const wholeWords = /[^\s,;()[\]{}<>"'`|]+/gu;
const trimmed = /^[.:/\-_#@!?*+=~&%$]+|[.:/\-_!?*+=~&%$]+$/gu;
const partBorders = /[^\p{L}\p{N}\p{M}\p{S}\p{Co}]+/u;
const humps = /(?<=\p{Ll}|\p{N})(?=\p{Lu})/u;

const ascii = /^[\u0020-\u007e]*$/u;
const asciiPartBorders = /[^A-Za-z0-9$+<=>^`|~]+/u;
const asciiHumps = /(?<=[a-z0-9])(?=[A-Z])/u;
const upperCase = /[A-Z]/u;

const lower = (text: string): string =>
  ascii.test(text) ? text.toLowerCase() : text.normalize('NFKC').toLowerCase();

/** The words of one text, by the text: types, platforms and namespaces come again and again. Pure, so it may forget. */
const remembered = new Map<string, readonly string[]>();
const rememberedMax = 10_000;
const rememberedLengthMax = 128;

function wordsOf(text: string): readonly string[] {
  const known = remembered.get(text);
  if (known !== undefined) return known;
  const words = splitWords(text);
  if (text.length <= rememberedLengthMax) {
    if (remembered.size >= rememberedMax) remembered.clear();
    remembered.set(text, words);
  }
  return words;
}

function splitWords(text: string): string[] {
  const words: string[] = [];
  const isAscii = ascii.test(text);
  const [borders, camel] = isAscii ? [asciiPartBorders, asciiHumps] : [partBorders, humps];
  for (const run of text.match(wholeWords) ?? []) {
    const whole = run.replace(trimmed, '');
    words.push(lower(whole));
    for (const part of whole.split(borders)) {
      words.push(lower(part));
      if (isAscii && !upperCase.test(part)) continue;
      for (const hump of part.split(camel)) words.push(lower(hump));
    }
  }
  return words;
}

/**
 * The words a document is found by: each run of text whole (`db.orders`, `cust_id`), its parts (`db`, `orders`, `cust`,
 * `id`) and the humps of camel case (`custId`: `custid`, `cust`, `id`), lower-cased. Made here and nowhere else, so every
 * engine finds the same documents by the same words.
 */
export function searchWords(...texts: readonly string[]): string[] {
  const words = new Set<string>();
  for (const text of texts) {
    for (const word of wordsOf(text)) {
      if (words.size >= wordsMax) break;
      if (word !== '') words.add(word.length > wordLengthMax ? word.slice(0, wordLengthMax) : word);
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
