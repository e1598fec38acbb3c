import { type Column, mergeColumns } from '../domain/column.ts';
import { isFault } from '../domain/fault.ts';
import { joinProfiles } from '../domain/table-profile.ts';
import type { FileTree } from '../ports/file-tree.ts';
import {
  isRefusal,
  type SampleBounds,
  type Table,
  type TableProblem,
  type TableReader,
  type TableRefusal,
} from '../ports/table-reader.ts';
import { inOrder } from './in-order.ts';
import type { FoundRefusal } from './scan-found.ts';

/** A file with the reader its extension chose, and the `key` of each partition folder above it. */
export interface ClaimedFile {
  readonly path: string;
  readonly reader: TableReader;
  readonly partitions: readonly string[];
  /** See `TreeEntry`. */
  readonly stamp: string | undefined;
}

export interface DescribedFile {
  readonly file: ClaimedFile;
  /** 0 where it could not be opened. */
  readonly bytes: number;
  readonly answer: Table | TableRefusal;
}

/** The one place where a failing disk becomes a refusal; anything else that is thrown is ours and goes on. */
export async function orUnreadable<T>(work: () => Promise<T>): Promise<T | TableRefusal> {
  try {
    return await work();
  } catch (error) {
    if (!isFault(error, 'FILE_UNREADABLE')) throw error;
    return { refused: 'FILE_UNREADABLE', reason: String(error.facts.why ?? 'cannot be read') };
  }
}

export async function describeFile(
  tree: FileTree,
  file: ClaimedFile,
  sample: SampleBounds,
): Promise<DescribedFile> {
  let bytes = 0;
  const answer = await orUnreadable(async () => {
    await using open = await tree.open(file.path);
    bytes = open.bytes;
    return await file.reader.describe(open, sample);
  });
  return { file, bytes, answer };
}

export const refusalOf = (path: string, { refused, reason }: TableRefusal, urn?: string): FoundRefusal => ({
  kind: 'refused',
  path,
  code: refused,
  reason,
  urn,
});

/** Part files taken together. */
export interface Parts {
  /** Undefined while no part could be described. */
  readonly table: Table | undefined;
  readonly files: number;
  readonly bytes: number;
  readonly refused: readonly FoundRefusal[];
}

const topLevel = (columns: readonly Column[]): Set<string> =>
  new Set(columns.filter(({ name }) => !/[.[]/.test(name)).map(({ name }) => name));

/**
 * Whether two parts can be of one table. Text with a header states its columns: they must be the same. JSON rows leave
 * fields out, and a sample may lack one: there, half of the fewer top-level fields must be common.
 */
export function sameTable(a: Table, b: Table): boolean {
  if (a.format !== b.format) return false;
  const [ours, theirs] = [topLevel(a.columns), topLevel(b.columns)];
  const common = [...theirs].filter((name) => ours.has(name)).length;
  if (a.format === 'csv') return common === ours.size && common === theirs.size;
  return common * 2 >= Math.min(ours.size, theirs.size);
}

function mergeProblems(a: readonly TableProblem[], b: readonly TableProblem[]): readonly TableProblem[] {
  if (b.length === 0) return a;
  const counts = new Map(a.map(({ code, count }) => [code, count]));
  for (const { code, count } of b) counts.set(code, (counts.get(code) ?? 0) + count);
  return [...counts].map(([code, count]) => ({ code, count }));
}

/** A part's count of row groups says nothing of the table. */
const commonDialect = (
  a: ReadonlyMap<string, string>,
  b: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> => new Map([...a].filter(([key, value]) => b.get(key) === value));

function mergeTables(a: Table, b: Table): Table {
  // A part without rows knows names only; its types say nothing, unless the format states them.
  const says = ({ rows, stated }: Table): boolean => rows > 0 || stated === true;
  const columns = !says(b) ? a.columns : !says(a) ? b.columns : mergeColumns(a.columns, b.columns);
  const profile =
    a.profile === undefined || b.profile === undefined
      ? {}
      : { profile: joinProfiles({ ...a, profile: a.profile }, { ...b, profile: b.profile }) };
  return {
    ...profile,
    ...(a.stated === true && b.stated === true ? { stated: true } : {}),
    format: a.format,
    columns,
    rows: a.rows + b.rows,
    whole: a.whole && b.whole,
    dialect: a.stated === true ? commonDialect(a.dialect, b.dialect) : a.dialect,
    problems: mergeProblems(a.problems, b.problems),
  };
}

/**
 * Describes `files` as parts of one table, one after the other, holding one merged description: memory does not grow
 * with their number. Answers undefined at the first part that is of another table. A part that cannot be described is
 * counted and listed; the others describe the table.
 */
export async function describeParts(
  tree: FileTree,
  files: AsyncIterable<ClaimedFile>,
  sample: SampleBounds,
  atOnceMax: number,
): Promise<Parts | undefined> {
  let [table, count, total]: [Table | undefined, number, number] = [undefined, 0, 0];
  const refused: FoundRefusal[] = [];
  for await (const { file, bytes, answer } of inOrder(files, atOnceMax, (f) =>
    describeFile(tree, f, sample),
  )) {
    [count, total] = [count + 1, total + bytes];
    if (isRefusal(answer)) refused.push(refusalOf(file.path, answer));
    else if (table === undefined) table = answer;
    else if (sameTable(table, answer)) table = mergeTables(table, answer);
    else return undefined;
  }
  return { table, files: count, bytes: total, refused };
}
