const quoted = (cell: string | number | boolean, delimiter: string): string => {
  const text = String(cell);
  return text.includes(delimiter) || text.includes('"') ? `"${text.replaceAll('"', '""')}"` : text;
};
/** One record of delimited text. */
export type Row = readonly (string | number | boolean)[];

export const csv = (header: readonly string[], rows: readonly Row[], delimiter = ','): string =>
  [header, ...rows].map((row) => `${row.map((cell) => quoted(cell, delimiter)).join(delimiter)}\n`).join('');

export const ndjson = (rows: readonly object[]): string =>
  rows.map((row) => `${JSON.stringify(row)}\n`).join('');

export const json = (value: unknown): string => `${JSON.stringify(value, null, 1)}\n`;
