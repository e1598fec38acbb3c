/** Where a JSON value that starts at `start` ends (exclusive), as far as brackets and strings tell. */
export type ValueEnd =
  | { readonly end: number }
  /** The text stops before the value does. */
  | { readonly unfinished: true }
  | { readonly tooDeep: true };

const [quote, backslash, comma] = [0x22, 0x5c, 0x2c];
const [openList, closeList, openObject, closeObject] = [0x5b, 0x5d, 0x7b, 0x7d];

const isSpace = (code: number): boolean => code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;

export function skipSpace(text: string, start: number): number {
  let at = start;
  while (at < text.length && isSpace(text.charCodeAt(at))) at += 1;
  return at;
}

function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === backslash) at += 1;
    else if (code === quote) return at + 1;
  }
  return -1;
}

/**
 * Finds the end of one value without building it, so that depth is bounded before anything is decoded. Does not check
 * the grammar: `JSON.parse` of the piece does.
 */
export function endOfValue(text: string, start: number, depthMax: number): ValueEnd {
  let depth = 0;
  for (let at = start; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === quote) {
      const end = endOfString(text, at);
      if (end === -1) return { unfinished: true };
      at = end - 1;
      if (depth === 0) return { end };
    } else if (code === openList || code === openObject) {
      depth += 1;
      if (depth > depthMax) return { tooDeep: true };
    } else if (code === closeList || code === closeObject) {
      if (depth === 0) return { end: at };
      depth -= 1;
      if (depth === 0) return { end: at + 1 };
    } else if (depth === 0 && (code === comma || isSpace(code))) {
      return { end: at };
    }
  }
  return { unfinished: true };
}
