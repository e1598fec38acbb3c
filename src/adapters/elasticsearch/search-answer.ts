import {
  AnswerReader,
  closeBrace,
  closeBracket,
  type EngineCause,
  type HeldSource,
  openBrace,
  openBracket,
} from './answer-reader.ts';

/** What a scan needs of a search's answer. */
export interface SearchAnswer {
  /** Id of the point in time, which may change with each answer. */
  readonly pit: string;
  /** In the order of the answer, of which bodies and values are views. */
  readonly documents: readonly HeldSource[];
  /** Sort values of the last hit, as JSON text; undefined where there is none. */
  readonly lastSort: string | undefined;
}

/** One page of a search, in its order. */
export interface AnswerPage {
  readonly total: number;
  /** With the sort values of each, as JSON text. */
  readonly hits: readonly { readonly document: HeldSource; readonly sort: string }[];
}

/** What the engine says of documents that were asked for by id. */
export interface AnswerById {
  /** Those that are there. */
  readonly documents: readonly HeldSource[];
  /** Why the first one could not be looked for that could not. */
  readonly error: EngineCause | undefined;
}

/**
 * Reads hits with their whole source from the bytes of a search's answer, and uses the answer up: bodies are taken, or
 * unescaped, where they lie. No string is made of what is only hashed or compared, which halves the time of reading an index
 * back. Throws an Error for what is no such answer.
 */
export function readSearchAnswer(answer: Buffer): SearchAnswer {
  const reader = new AnswerReader(answer);
  const documents: HeldSource[] = [];
  const { pit } = readHits(reader, (document) => documents.push(document));
  if (pit === undefined) throw new Error('an answer of Elasticsearch without its point in time');
  return { pit, documents, lastSort: documents.length === 0 ? undefined : reader.sort() };
}

/** Reads the answer of a search that counts what it finds, as `readSearchAnswer` does. */
export function readPage(answer: Buffer): AnswerPage {
  const reader = new AnswerReader(answer);
  const hits: AnswerPage['hits'][number][] = [];
  const { total } = readHits(reader, (document) => hits.push({ document, sort: reader.sort() }));
  if (total === undefined) throw new Error('an answer of Elasticsearch without its total');
  return { total, hits };
}

/** Reads the answer of `_mget`, as `readSearchAnswer` does. */
export function readById(answer: Buffer): AnswerById {
  const reader = new AnswerReader(answer);
  const documents: HeldSource[] = [];
  let error: EngineCause | undefined;
  for (let more = reader.opens(openBrace); more; more = reader.goesOn(closeBrace)) {
    if (reader.name() !== 'docs') reader.skip();
    else
      for (let one = reader.opens(openBracket); one; one = reader.goesOn(closeBracket)) {
        const document = reader.entry();
        if (document !== undefined) documents.push(document);
        error ??= reader.error;
      }
  }
  return { documents, error };
}

interface Around {
  readonly pit: string | undefined;
  readonly total: number | undefined;
}

function readHits(reader: AnswerReader, onHit: (document: HeldSource) => void): Around {
  let [pit, total]: [string | undefined, number | undefined] = [undefined, undefined];
  for (let more = reader.opens(openBrace); more; more = reader.goesOn(closeBrace)) {
    const name = reader.name();
    if (name === 'pit_id') pit = reader.text();
    else if (name !== 'hits') reader.skip();
    else
      for (let inner = reader.opens(openBrace); inner; inner = reader.goesOn(closeBrace)) {
        const part = reader.name();
        if (part === 'total') total = (JSON.parse(reader.raw()) as { value: number }).value;
        else if (part !== 'hits') reader.skip();
        else
          for (let hit = reader.opens(openBracket); hit; hit = reader.goesOn(closeBracket)) {
            const document = reader.entry();
            if (document === undefined) throw new Error('a hit of Elasticsearch without version, id or body');
            onHit(document);
          }
      }
  }
  return { pit, total };
}
