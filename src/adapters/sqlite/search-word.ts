/** Lower-case ASCII, digits and ASCII signs: the tokenizer leaves them alone. */
const plain = /^[!-@[-`a-z{-~]+$/;
/** Plane 15, for private use: FTS5 keeps each of its characters as it is and ends no word there. */
const privatePlane = 0xf0000;
const noncharacters = 0xfffe;
const privateArea = 0xe000;
const emptyWord = '\ue002';

/**
 * A search word in characters that FTS5's tokenizer neither splits, folds nor drops: what is not plain becomes one
 * private-use character per UTF-16 unit. Different words stay different, and a beginning
 * of a word becomes the beginning of its spelling, so exact and prefix search mean what they say for any text.
 */
export function ftsWord(word: string): string {
  if (plain.test(word)) return word;
  if (word === '') return emptyWord;
  let spelled = '';
  for (let index = 0; index < word.length; index++) {
    const unit = word.charCodeAt(index);
    if (plain.test(word[index]!)) spelled += word[index];
    else if (unit < noncharacters) spelled += String.fromCodePoint(privatePlane + unit);
    else spelled += String.fromCodePoint(privateArea + unit - noncharacters);
  }
  return spelled;
}

/** A text of which FTS5 makes exactly these words. */
export const ftsText = (words: string | readonly string[]): string =>
  typeof words === 'string' ? ftsWord(words) : words.map(ftsWord).join(' ');

const term = (word: string): string => `"${ftsWord(word).replaceAll('"', '""')}"`;

/** A MATCH expression: `column` holds all of `words`, the last as the beginning of a word when `prefix`. */
export const ftsAllOf = (column: string, words: readonly string[], prefix: boolean): string =>
  `{${column}} : (${words.map(term).join(' AND ')}${prefix ? ' *' : ''})`;

/** A MATCH expression: `column` holds one of `words` or more. */
export const ftsAnyOf = (column: string, words: readonly string[]): string =>
  `{${column}} : (${words.map(term).join(' OR ')})`;

export const ftsTokenizer = "unicode61 remove_diacritics 0 categories 'L* N* P* S* M* Co'";
