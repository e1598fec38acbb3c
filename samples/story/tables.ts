/** A column in words common to all platforms. */
export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  readonly isKey: boolean;
  /** Columns it is computed from, `shop.orders.total_amount`, where they have other names than it has. */
  readonly madeOf: readonly string[];
  /** A sentence; empty = that of the column it is copied from. */
  readonly text: string;
}

const columnTypes = ['text', 'int', 'num', 'float', 'bool', 'date', 'time', 'list', 'obj'] as const;
export type ColumnType = (typeof columnTypes)[number];

export interface Table {
  /** `shop.orders`. */
  readonly name: string;
  readonly text: string;
  readonly columns: readonly Column[];
}

const columnLine = /^(?<name>\S+) (?<type>[a-z]+)(?<key>!?)(?: <(?<madeOf>[^>]+)>)?(?: (?<text>.+))?$/u;

/** One column a line: name, type (`!` = key), and where there are any `<columns it is made of>` and a sentence. */
function columnsOf(lines: string): Column[] {
  return lines
    .trim()
    .split('\n')
    .map((line) => {
      const found = columnLine.exec(line.trim())?.groups;
      const type = columnTypes.find((known) => known === found?.type);
      if (found === undefined || type === undefined) throw new Error(`not a column: ${line}`);
      return {
        name: found.name!,
        type,
        isKey: found.key === '!',
        madeOf: found.madeOf?.split(' ') ?? [],
        text: found.text ?? '',
      };
    });
}

export const table = (name: string, text: string, lines: string): Table => ({
  name,
  text,
  columns: columnsOf(lines),
});

/** The table with one column put in the place of another, or at the end. */
export function withColumn(of: Table, replaced: string | undefined, line: string): Table {
  const [made] = columnsOf(line);
  const at = of.columns.findIndex(({ name }) => name === replaced);
  if (replaced !== undefined && at < 0) throw new Error(`${of.name} has no column ${replaced}`);
  const columns = [...of.columns];
  columns.splice(at < 0 ? columns.length : at, at < 0 ? 0 : 1, made!);
  return { ...of, columns };
}
