import { limits } from '../domain/event.ts';
import { digitsSafe, isLossy } from './json-number.ts';
import { stringEnd } from './json-string.ts';
import type { JsonFaultCode, JsonMember, JsonScanOptions, JsonSpan, JsonVerdict } from './json-text.ts';
import { wordAt } from './shared-word.ts';

interface OpenSpan {
  kind: JsonSpan['kind'];
  start: number;
  end: number;
  members?: JsonMember[];
  items?: JsonSpan[];
}

/**
 * Keys of one object so far: a list while short, then a set, so that neither many small nor one huge object
 * is slow.
 */
interface SeenKeys {
  list: string[];
  set: Set<string> | undefined;
}

const keysListMax = 12;
const quote = 0x22;
const comma = 0x2c;
const colon = 0x3a;
const minus = 0x2d;
const dot = 0x2e;
const zero = 0x30;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

const literals = new Map([
  ['t', { text: Buffer.from('true'), kind: 'boolean' }],
  ['f', { text: Buffer.from('false'), kind: 'boolean' }],
  ['n', { text: Buffer.from('null'), kind: 'null' }],
] as const);

const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= zero && byte <= 0x39;

/** One scan of one text; see `scanJson`. `bytes` are UTF-8. */
export class JsonScanner {
  private readonly bytes: Buffer;
  private readonly depthMax: number;
  private readonly spanDepth: number;
  private readonly spansMax: number;
  private readonly protoForbidden: boolean;
  private readonly syntaxOnly: boolean;
  private at = 0;
  /** How many containers are open; the arrays below have one element for each. */
  private depth = 0;
  private readonly isObject: boolean[] = [];
  /** Key or index in each; undefined while a key is awaited. */
  private readonly path: (string | number | undefined)[] = [];
  private readonly seen: SeenKeys[] = [];
  private readonly open: (OpenSpan | undefined)[] = [];
  private root: JsonSpan | undefined;
  private spans = 0;
  private fault: JsonVerdict | undefined;

  constructor(bytes: Buffer, { depthMax, spanDepth, spansMax, protoForbidden, syntaxOnly }: JsonScanOptions) {
    this.bytes = bytes;
    this.depthMax = depthMax ?? limits.jsonDepthMax;
    this.spanDepth = spanDepth ?? 2;
    this.spansMax = spansMax ?? 100_000;
    this.protoForbidden = protoForbidden ?? false;
    this.syntaxOnly = syntaxOnly ?? false;
  }

  scan(): JsonVerdict {
    for (;;) {
      this.space();
      // One value, or the opening of a container with its first key; then every end that follows it.
      const stopped = this.value();
      if (stopped !== undefined) return stopped;
      const ended = this.ends();
      if (ended !== undefined) return ended;
    }
  }

  /** Scans a scalar, an empty container, or opens containers up to the first scalar. Undefined = go on. */
  private value(): JsonVerdict | undefined {
    for (;;) {
      const { bytes, at } = this;
      const byte = bytes[at];
      if (byte === openBrace || byte === openBracket) {
        const stopped = this.openContainer(byte === openBrace);
        if (stopped !== undefined) return stopped;
        if (bytes[this.at] === (byte === openBrace ? closeBrace : closeBracket)) return this.closeContainer();
        if (byte === openBrace && !this.key()) return this.invalid();
        continue;
      }
      const kind = this.scalar(byte);
      if (kind === undefined) return this.invalid();
      return this.depth > this.spanDepth ? undefined : this.record({ kind, start: at, end: this.at });
    }
  }

  /**
   * After a value: commas and closing brackets, up to where the next value starts. Undefined = a value
   * follows.
   */
  private ends(): JsonVerdict | undefined {
    for (;;) {
      this.space();
      if (this.depth === 0) {
        if (this.at !== this.bytes.length || this.root === undefined) return this.invalid();
        return this.fault ?? { verdict: 'accept', root: this.root };
      }
      const top = this.depth - 1;
      const byte = this.bytes[this.at];
      if (byte === comma) {
        this.at += 1;
        this.space();
        this.path[top] = this.isObject[top] ? undefined : (this.path[top] as number) + 1;
        return this.isObject[top] && !this.key() ? this.invalid() : undefined;
      }
      if (byte !== (this.isObject[top] ? closeBrace : closeBracket)) return this.invalid();
      const stopped = this.closeContainer();
      if (stopped !== undefined) return stopped;
    }
  }

  private openContainer(isObject: boolean): JsonVerdict | undefined {
    const { depth, at } = this;
    if (depth >= this.depthMax) return this.verdict('JSON_TOO_DEEP', at);
    this.isObject[depth] = isObject;
    this.path[depth] = isObject ? undefined : 0;
    if (isObject) {
      const seen = this.seen[depth];
      if (seen === undefined) {
        for (let i = this.seen.length; i <= depth; i++) this.seen[i] = { list: [], set: undefined };
      } else {
        seen.list.length = 0;
        seen.set = undefined;
      }
    }
    this.open[depth] = undefined;
    if (depth < this.spanDepth) {
      this.open[depth] = isObject
        ? { kind: 'object', start: at, end: at, members: [] }
        : { kind: 'array', start: at, end: at, items: [] };
    } else if (depth === this.spanDepth) {
      this.open[depth] = { kind: isObject ? 'object' : 'array', start: at, end: at };
    }
    this.depth += 1;
    this.at += 1;
    this.space();
    return undefined;
  }

  private closeContainer(): JsonVerdict | undefined {
    this.at += 1;
    this.depth -= 1;
    const span = this.open[this.depth];
    if (span === undefined) return undefined;
    span.end = this.at;
    return this.record(span);
  }

  /** Puts a finished value's span into its container's. */
  private record(span: JsonSpan): JsonVerdict | undefined {
    const { depth } = this;
    this.spans += 1;
    if (this.spans > this.spansMax) return this.verdict('JSON_TOO_LARGE', span.start);
    if (depth === 0) this.root = span;
    else if (this.isObject[depth - 1]) {
      this.open[depth - 1]!.members!.push({ key: String(this.path[depth - 1]), value: span });
    } else this.open[depth - 1]!.items!.push(span);
    return undefined;
  }

  /** Scans a key, its colon and the space after it. */
  private key(): boolean {
    const { bytes } = this;
    const start = this.at;
    if (bytes[start] !== quote) return false;
    if (!this.string()) return false;
    const raw = wordAt(bytes, start + 1, this.at - start - 2);
    const key = raw.includes('\\') ? String(JSON.parse(`"${raw}"`)) : raw;
    this.path[this.depth - 1] = key;
    if (this.fault === undefined && !this.syntaxOnly) this.checkKey(key, start);
    this.space();
    if (bytes[this.at] !== colon) return false;
    this.at += 1;
    this.space();
    return true;
  }

  private checkKey(key: string, at: number): void {
    const seen = this.seen[this.depth - 1]!;
    const known = seen.set === undefined ? seen.list.includes(key) : seen.set.has(key);
    if (known) this.fault = this.verdict('DUPLICATE_KEY', at);
    else if (this.protoForbidden && key === '__proto__') this.fault = this.verdict('KEY_FORBIDDEN', at);
    else if (seen.set !== undefined) seen.set.add(key);
    else if (seen.list.push(key) > keysListMax) seen.set = new Set(seen.list);
  }

  /** Scans a string, number or literal and moves behind it; undefined = not one. */
  private scalar(byte: number | undefined): JsonSpan['kind'] | undefined {
    if (byte === quote) return this.string() ? 'string' : undefined;
    if (byte === minus || isDigit(byte)) return this.number() ? 'number' : undefined;
    const literal =
      byte === undefined ? undefined : literals.get(String.fromCharCode(byte) as 't' | 'f' | 'n');
    if (literal === undefined) return undefined;
    const { text, kind } = literal;
    for (const expected of text) {
      if (this.bytes[this.at] !== expected) return undefined;
      this.at += 1;
    }
    return kind;
  }

  private string(): boolean {
    const end = stringEnd(this.bytes, this.at + 1);
    this.at = end < 0 ? -1 - end : end;
    return end >= 0;
  }

  private number(): boolean {
    const { bytes, at: start } = this;
    const negative = bytes[start] === minus;
    const whole = negative ? start + 1 : start;
    let at = this.digitsEnd(whole);
    if (at === whole || (bytes[whole] === zero && at > whole + 1)) return false;
    let plain = !negative;
    let digits = at - whole;
    if (bytes[at] === dot) {
      const fraction = at + 1;
      at = this.digitsEnd(fraction);
      if (at === fraction) return false;
      digits += at - fraction;
    }
    if (bytes[at] === 0x65 || bytes[at] === 0x45) {
      const sign = bytes[at + 1] === minus || bytes[at + 1] === 0x2b ? 1 : 0;
      const power = at + 1 + sign;
      at = this.digitsEnd(power);
      if (at === power) return false;
      plain = false;
    }
    this.at = at;
    const safe = plain && digits <= digitsSafe;
    const judged = !safe && !this.syntaxOnly && this.fault === undefined;
    if (judged && isLossy(bytes.toString('latin1', start, at))) {
      this.fault = this.verdict('NUMBER_LOSSY', start);
    }
    return true;
  }

  private digitsEnd(start: number): number {
    const { bytes } = this;
    let at = start;
    while (isDigit(bytes[at])) at += 1;
    this.at = at;
    return at;
  }

  private space(): void {
    const { bytes } = this;
    const { length } = bytes;
    let { at } = this;
    while (at < length) {
      const byte = bytes[at]!;
      if (byte > 0x20 || (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)) break;
      at += 1;
    }
    this.at = at;
  }

  private invalid(): JsonVerdict {
    return this.verdict('JSON_INVALID', this.at);
  }

  private verdict(verdict: JsonFaultCode, at: number): JsonVerdict {
    const tokens = this.path.slice(0, this.depth).filter((token) => token !== undefined);
    const escaped = tokens.map((token) => String(token).replaceAll('~', '~0').replaceAll('/', '~1'));
    return { verdict, at, pointer: escaped.map((token) => `/${token}`).join('') };
  }
}
