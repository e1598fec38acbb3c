/** Exact time in UTC: `2026-03-01 09:30:00.123`. */
export function utc(time) {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? String(time) : date.toISOString().replace('T', ' ').replace('Z', '');
}

/** The parts of a URN's key: `(a,(b,c),d)` gives `a`, `(b,c)`, `d`. */
function keyParts(urn) {
  const key = urn.split(':').slice(3).join(':');
  if (!key.startsWith('(') || !key.endsWith(')')) return [key];
  const parts = [];
  let [depth, start] = [0, 1];
  for (let at = 1; at < key.length - 1; at += 1) {
    if (key[at] === '(') depth += 1;
    else if (key[at] === ')') depth -= 1;
    else if (key[at] === ',' && depth === 0) {
      parts.push(key.slice(start, at));
      start = at + 1;
    }
  }
  parts.push(key.slice(start, -1));
  return parts;
}

/** The telling part of a URN, for people. */
export function shortName(urn) {
  if (typeof urn !== 'string' || !urn.startsWith('urn:')) return String(urn);
  const parts = keyParts(urn);
  const part = parts.length > 1 ? parts[1] : parts[0];
  return part === '' || part === undefined ? urn : part;
}

export const isUrn = (value) => typeof value === 'string' && /^urn:[a-z0-9-]+:[A-Za-z0-9]+:./.test(value);

export const counted = (count, one, many = `${one}s`) =>
  `${count.toLocaleString('en')} ${count === 1 ? one : many}`;
