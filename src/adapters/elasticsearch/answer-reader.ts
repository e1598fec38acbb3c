import { stringEnd } from '../../formats/json-string.ts';
import { wordAt } from '../../formats/shared-word.ts';
import type { StoredDocument } from '../../ports/read-model.ts';

/** A document with all that stands in its source. */
export interface HeldSource extends StoredDocument {
  readonly visible: boolean;
  readonly unindexable: string | null;
  /** Search values by field, as JSON text, a view into the answer; undefined where there are none. */
  readonly fields: Buffer | undefined;
}

/** Why the engine has no answer. */
export interface EngineCause {
  readonly type: string;
  readonly reason?: string;
}

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
export const [openBracket, closeBracket, openBrace, closeBrace] = [0x5b, 0x5d, 0x7b, 0x7d];
const [letterT, letterU] = [0x74, 0x75];
const [digit0, digit9] = [0x30, 0x39];

/** What the letter behind a backslash stands for; `u` aside. */
const escaped = new Uint8Array(256);
for (const [letter, character] of Object.entries({
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
}))
  escaped[letter.charCodeAt(0)] = character.charCodeAt(0);

/** A place in JSON without space, as Elasticsearch writes it unless it is asked to be pretty. */
export class AnswerReader {
  private readonly bytes: Buffer;
  private at = 0;
  private sortFrom = 0;
  private sortTo = 0;
  /** Of the last entry. */
  error: EngineCause | undefined;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  /** Sort values of the last entry, as text. */
  sort(): string {
    return this.bytes.toString('utf8', this.sortFrom, this.sortTo);
  }

  /** A hit, or a document by id: undefined for one that is not there. */
  entry(): HeldSource | undefined {
    let version: number | undefined;
    let source: Omit<HeldSource, 'version'> | undefined;
    this.error = undefined;
    for (let more = this.opens(openBrace); more; more = this.goesOn(closeBrace)) {
      const name = this.name();
      if (name === '_version') version = this.integer();
      else if (name === '_source') source = this.source();
      else if (name === 'sort') {
        this.sortFrom = this.at;
        this.skip();
        this.sortTo = this.at;
      } else if (name === 'error') this.error = JSON.parse(this.raw()) as EngineCause;
      else this.skip();
    }
    if (source === undefined) return undefined;
    if (version === undefined) throw new Error(`a document of Elasticsearch without version: ${source.id}`);
    const { id, body, visible, unindexable, fields } = source;
    return { id, version, body, visible, unindexable, fields };
  }

  private source(): Omit<HeldSource, 'version'> {
    let id: string | undefined;
    let body: Buffer | undefined;
    let visible = false;
    let unindexable: string | null = null;
    let fields: Buffer | undefined;
    for (let more = this.opens(openBrace); more; more = this.goesOn(closeBrace)) {
      const field = this.name();
      if (field === 'doc_id') id = this.text();
      else if (field === 'body') body = this.body();
      else if (field === 'visible') {
        visible = this.bytes[this.at] === letterT;
        this.skip();
      } else if (field === 'unindexable') unindexable = this.text();
      else if (field === 'fields') fields = this.view();
      else this.skip();
    }
    if (id === undefined || body === undefined)
      throw new Error(`a document of Elasticsearch without id or body: ${id ?? ''}`);
    return { id, body, visible, unindexable, fields };
  }

  /**
   * A body as `writeLine` spells it: as it is behind its size, which tells where it ends, or as a string. Whatever else
   * somebody put in its place is taken as its own text.
   */
  private body(): Buffer {
    const { bytes } = this;
    if (bytes[this.at] === quote) return this.unescaped();
    const whole = this.at;
    if (this.taken(openBracket)) {
      const size = this.integer();
      if (size !== undefined && this.taken(comma)) {
        const start = this.at;
        const end = start + size;
        if (bytes[end] === closeBracket && bytes[end + 1] === closeBrace) this.at = end;
        else this.skip();
        const body = bytes.subarray(start, this.at);
        if (this.taken(closeBracket)) return body;
      }
    }
    this.at = whole;
    return this.view();
  }

  /** A whole number below 2^53; undefined where none begins. */
  private integer(): number | undefined {
    const start = this.at;
    let value = 0;
    for (let byte = this.bytes[start]!; byte >= digit0 && byte <= digit9; byte = this.bytes[this.at]!) {
      value = value * 10 + (byte - digit0);
      this.at += 1;
    }
    return this.at === start ? undefined : value;
  }

  /** Moves into an object or array: whether anything is in it. */
  opens(bracket: typeof openBrace | typeof openBracket): boolean {
    this.expect(bracket);
    return !this.taken(bracket === openBrace ? closeBrace : closeBracket);
  }

  /** Behind a member or item: whether another one comes; else it moves out. */
  goesOn(bracket: typeof closeBrace | typeof closeBracket): boolean {
    if (this.taken(comma)) return true;
    this.expect(bracket);
    return false;
  }

  /** The name of a member, whose value comes next. */
  name(): string {
    const start = this.at;
    this.skip();
    const name = wordAt(this.bytes, start + 1, this.at - start - 2);
    this.at += 1;
    return name;
  }

  /** A string. */
  text(): string {
    const start = this.at;
    this.skip();
    const inside = this.bytes.toString('utf8', start + 1, this.at - 1);
    return inside.includes('\\') ? String(JSON.parse(`"${inside}"`)) : inside;
  }

  /** Any value as its JSON text. */
  raw(): string {
    return this.view().toString();
  }

  /** The same as bytes of the answer. */
  private view(): Buffer {
    const start = this.at;
    this.skip();
    return this.bytes.subarray(start, this.at);
  }

  skip(): void {
    const { bytes } = this;
    let depth = 0;
    do {
      const byte = bytes[this.at];
      if (byte === undefined) throw new Error('an answer of Elasticsearch that ends too early');
      if (byte === quote) {
        this.skipString();
        continue;
      }
      this.at += 1;
      if (byte === openBrace || byte === openBracket) depth += 1;
      else if (byte === closeBrace || byte === closeBracket) depth -= 1;
      else if (depth === 0) this.skipScalar();
    } while (depth > 0);
  }

  private skipScalar(): void {
    for (let byte = this.bytes[this.at]; byte !== undefined; byte = this.bytes[this.at]) {
      if (byte === comma || byte === closeBrace || byte === closeBracket) return;
      this.at += 1;
    }
  }

  private skipString(): void {
    const end = stringEnd(this.bytes, this.at + 1);
    if (end < 0) throw new Error('an answer of Elasticsearch with a string that is none');
    this.at = end;
  }

  /** The content of a string as UTF-8 bytes, written over it: an escape is longer than what it stands for. */
  private unescaped(): Buffer {
    const bytes = this.bytes;
    const { length } = bytes;
    this.expect(quote);
    const start = this.at;
    let to = start;
    let from = start;
    for (;;) {
      const byte = bytes[from];
      if (from >= length || byte === undefined)
        throw new Error('a body of Elasticsearch that ends too early');
      from += 1;
      if (byte === quote) break;
      if (byte !== backslash) {
        bytes[to++] = byte;
        continue;
      }
      const letter = bytes[from]!;
      from += 1;
      if (letter !== letterU) {
        bytes[to++] = escaped[letter]!;
        continue;
      }
      // A pair of surrogates is two escapes.
      const isPair = bytes[from + 4] === backslash && bytes[from + 5] === letterU;
      const width = isPair && (bytes[from]! | 0x20) === 0x64 && bytes[from + 1]! >= 0x38 ? 10 : 4;
      to += bytes.write(
        String(JSON.parse(`"\\u${bytes.toString('latin1', from, from + width)}"`)),
        to,
        'utf8',
      );
      from += width;
    }
    this.at = from;
    return bytes.subarray(start, to);
  }

  private taken(byte: number): boolean {
    if (this.bytes[this.at] !== byte) return false;
    this.at += 1;
    return true;
  }

  private expect(byte: number): void {
    if (!this.taken(byte)) throw new Error(`an answer of Elasticsearch that is no JSON at byte ${this.at}`);
  }
}
