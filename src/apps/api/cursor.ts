import { hash } from 'node:crypto';
import { z } from 'zod';
import { Fault } from '../../domain/fault.ts';
import type { Page } from '../../ports/read-model.ts';

/** Where the next page of a search begins. */
export interface Cursor {
  /** Sort values of the last hit. */
  readonly after: readonly (string | number)[];
  /** Hits on the pages before. */
  readonly seen: number;
}

const shape = z.tuple([
  z.string(),
  z.number().int().min(0),
  z.array(z.union([z.string(), z.number()])).max(8),
]);
const textMax = 8_192;

/** A mark of what was asked, besides page and cursor: a cursor fits no other search. */
const markOf = (asked: unknown): string => hash('sha256', JSON.stringify(asked), 'base64url').slice(0, 16);

/** Reads a cursor given out for the same question. Throws `QUERY_INVALID`. */
export function readCursor(text: string | undefined, asked: unknown): Cursor | undefined {
  if (text === undefined) return undefined;
  const refuse = (why: string): never => {
    throw new Fault('QUERY_INVALID', { why: `cursor: ${why}` });
  };
  if (text.length > textMax || !/^[A-Za-z0-9_-]+$/.test(text)) return refuse('not one that was given out');
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
  } catch {
    return refuse('not one that was given out');
  }
  const read = shape.safeParse(json);
  if (!read.success) return refuse('not one that was given out');
  const [mark, seen, after] = read.data;
  return mark === markOf(asked) ? { after, seen } : refuse('of another search');
}

/** The cursor behind a page, or undefined when nothing is behind it. */
export function nextCursor(page: Page, before: Cursor | undefined, asked: unknown): string | undefined {
  const last = page.hits.at(-1);
  const seen = (before?.seen ?? 0) + page.hits.length;
  if (last === undefined || seen >= page.total) return undefined;
  return Buffer.from(JSON.stringify([markOf(asked), seen, last.sortValues])).toString('base64url');
}
