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

/** What a scan needs of a search's answer. */
export interface SearchAnswer {
  /** Id of the point in time, which may change with each answer. */
  readonly pit: string;
  /** In the order of the answer, of which bodies and values are views. */
  readonly documents: readonly HeldSource[];
  /** Sort values of the last hit, as JSON text; undefined where there is none. */
  readonly lastSort: string | undefined;
}

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const [openBracket, closeBracket, openBrace, closeBrace] = [0x5b, 0x5d, 0x7b, 0x7d];
const letterU = 0x75;

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

/**
 * Reads hits with their whole source from the bytes of a search's answer, and uses the answer up: bodies are unescaped where they
 * lie. No string is made of what is only hashed or compared, which halves the time of reading an index back. Throws an Error for
 * what is no such answer.
 */
export function readSearchAnswer(answer: Buffer): SearchAnswer {
  const reader = new AnswerReader(answer);
  let pit: string | undefined;
  const documents: HeldSource[] = [];
  let lastSort: string | undefined;
  for (let more = reader.opens(openBrace); more; more = reader.goesOn(closeBrace)) {
    const name = reader.name();
    if (name === 'pit_id') pit = reader.text();
    else if (name !== 'hits') reader.skip();
    else
      for (let inner = reader.opens(openBrace); inner; inner = reader.goesOn(closeBrace)) {
        if (reader.name() !== 'hits') reader.skip();
        else
          for (let hit = reader.opens(openBracket); hit; hit = reader.goesOn(closeBracket))
            lastSort = reader.hit(documents) ?? lastSort;
      }
  }
  if (pit === undefined) throw new Error('an answer of Elasticsearch without its point in time');
  return { pit, documents, lastSort };
}

/** A place in JSON without space, as Elasticsearch writes it unless it is asked to be pretty. */
class AnswerReader {
  private readonly bytes: Buffer;
  private at = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  /** Adds the document of a hit, and tells its sort values as text. */
  hit(documents: HeldSource[]): string | undefined {
    let version: number | undefined;
    let id: string | undefined;
    let body: Buffer | undefined;
    let visible = false;
    let unindexable: string | null = null;
    let fields: Buffer | undefined;
    let sort: string | undefined;
    for (let more = this.opens(openBrace); more; more = this.goesOn(closeBrace)) {
      const name = this.name();
      if (name === '_version') version = Number(this.raw());
      else if (name === 'sort') sort = this.raw();
      else if (name !== '_source') this.skip();
      else
        for (let inner = this.opens(openBrace); inner; inner = this.goesOn(closeBrace)) {
          const field = this.name();
          if (field === 'doc_id') id = this.text();
          else if (field === 'body') body = this.unescaped();
          else if (field === 'visible') visible = this.raw() === 'true';
          else if (field === 'unindexable') unindexable = this.text();
          else if (field === 'fields') fields = this.view();
          else this.skip();
        }
    }
    if (version === undefined || id === undefined || body === undefined)
      throw new Error(`a hit of Elasticsearch without version, id or body: ${id ?? ''}`);
    documents.push({ id, version, body, visible, unindexable, fields });
    return sort;
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
