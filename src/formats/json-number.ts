/** A token longer than this is refused unread. */
const tokenMax = 512;
/** So many digits without an exponent always survive: no two such decimals share a nearest double. */
export const digitsSafe = 15;

const numberToken = /^(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?$/;

/**
 * A decimal without its spelling: sign, digits without outer zeros, power of ten. Zero keeps its sign only.
 */
function normalForm(token: string): string {
  const [, sign = '', whole = '', fraction = '', power = '0'] = numberToken.exec(token) ?? [];
  const digits = (whole + fraction).replace(/^0+/, '');
  if (digits === '') return `${sign}0`;
  const significant = withoutTrailingZeros(digits);
  return `${sign}${significant}e${Number(power) - fraction.length + digits.length - significant.length}`;
}

// A regular expression would try each run of zeros again from each of its zeros.
function withoutTrailingZeros(digits: string): string {
  let end = digits.length;
  while (digits.charCodeAt(end - 1) === 0x30) end -= 1;
  return digits.slice(0, end);
}

/**
 * Whether reading the number as a double and printing it again (as `JSON.parse` and `JSON.stringify` do)
 * changes its value: tokens over 512 characters, overflow, underflow, more digits than a double holds, and
 * −0. `1.0` and `1e3` pass. `token` is a valid JSON number.
 */
export function isLossy(token: string): boolean {
  if (token.length > tokenMax) return true;
  const double = Number(token);
  if (!Number.isFinite(double)) return true;
  const printed = JSON.stringify(double);
  return printed !== token && normalForm(printed) !== normalForm(token);
}
