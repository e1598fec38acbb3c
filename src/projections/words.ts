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

/** What a character of ASCII is to each of the expressions above, as bits by its code: they decide, and are asked once. */
const [inRun, atStart, atEnd, inPart, isUpper, beforeHump] = [1, 2, 4, 8, 16, 32];
const kinds = Uint8Array.from({ length: 128 }, (_, code) => {
  const character = String.fromCharCode(code);
  return (
    (character.match(wholeWords) === null ? 0 : inRun) |
    (`${character}a`.replace(trimmed, '') === 'a' ? atStart : 0) |
    (`a${character}`.replace(trimmed, '') === 'a' ? atEnd : 0) |
    (asciiPartBorders.test(character) ? 0 : inPart) |
    (upperCase.test(character) ? isUpper : 0) |
    (`${character}A`.split(asciiHumps).length === 2 ? beforeHump : 0)
  );
});

/** Tells the words of a text in order, some of them empty or twice. */
function eachWord(text: string, tell: (word: string) => void): void {
  if (ascii.test(text)) {
    eachAsciiWord(text, tell);
    return;
  }
  for (const run of text.match(wholeWords) ?? []) {
    const whole = run.replace(trimmed, '');
    tell(lower(whole));
    for (const part of whole.split(partBorders)) {
      tell(lower(part));
      for (const hump of part.split(humps)) tell(lower(hump));
    }
  }
}

/** The same for ASCII, a code at a time: most texts are. */
function eachAsciiWord(text: string, tell: (word: string) => void): void {
  const low = text.toLowerCase();
  const is = (at: number, kind: number): boolean => (kinds[text.charCodeAt(at)]! & kind) !== 0;
  for (let at = 0; at < text.length; ) {
    if (!is(at, inRun)) {
      at += 1;
      continue;
    }
    let start = at;
    while (at < text.length && is(at, inRun)) at += 1;
    let end = at;
    while (start < end && is(start, atStart)) start += 1;
    while (end > start && is(end - 1, atEnd)) end -= 1;
    tell(low.slice(start, end));
    for (let first = start; first < end; first += 1) {
      if (!is(first, inPart)) continue;
      let last = first + 1;
      while (last < end && is(last, inPart)) last += 1;
      tell(low.slice(first, last));
      let hump = first;
      for (let next = first + 1; next < last; next += 1) {
        if (!is(next, isUpper) || !is(next - 1, beforeHump)) continue;
        tell(low.slice(hump, next));
        hump = next;
      }
      if (hump !== first) tell(low.slice(hump, last));
      first = last;
    }
  }
}

/**
 * The words a document is found by: each run of text whole (`db.orders`, `cust_id`), its parts (`db`, `orders`, `cust`,
 * `id`) and the humps of camel case (`custId`: `custid`, `cust`, `id`), lower-cased. Made here and nowhere else, so every
 * engine finds the same documents by the same words.
 */
export function searchWords(...texts: readonly string[]): string[] {
  const words = new Set<string>();
  const add = (word: string): void => {
    if (word !== '' && words.size < wordsMax)
      words.add(word.length > wordLengthMax ? word.slice(0, wordLengthMax) : word);
  };
  for (const text of texts) eachWord(text, add);
  return [...words];
}

/** The words of a search box: each run whole, not taken apart, so that `cust_id` does not find every `id`. */
export function queryWords(text: string): string[] {
  const words = (text.match(wholeWords) ?? []).map((run) =>
    lower(run.replace(trimmed, '')).slice(0, wordLengthMax),
  );
  return [...new Set(words.filter((word) => word !== ''))].slice(0, 32);
}
