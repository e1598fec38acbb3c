const keywordBytesMax = 1_024;

/** A keyword as engines take it: at most 1,024 bytes, cut between characters. */
export function keyword(text: string): string {
  if (text.length * 3 <= keywordBytesMax || Buffer.byteLength(text) <= keywordBytesMax) return text;
  let cut = text.slice(0, keywordBytesMax);
  while (Buffer.byteLength(cut) > keywordBytesMax) cut = cut.slice(0, -1);
  return cut.isWellFormed() ? cut : cut.slice(0, -1);
}
