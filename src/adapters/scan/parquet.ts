import type { Table, TableFile, TableReader, TableRefusal } from '../../ports/table-reader.ts';
import { columnsOf } from './parquet-columns.ts';
import { readFooter } from './parquet-footer.ts';
import { BadThrift } from './thrift-compact.ts';

const footerBytesMax = 16 * 1024 * 1024;
/** Most footers are smaller, so most files take one read. */
const firstReadBytes = 64 * 1024;
const tailBytes = 8;
const smallestBytes = 12;

const malformed = (reason: string): TableRefusal => ({ refused: 'FILE_MALFORMED', reason });
const tooComplex = (reason: string): TableRefusal => ({ refused: 'FILE_TOO_COMPLEX', reason });

/** The footer's bytes and where they begin: one or two ranges at the end of the file, whatever its size. */
export async function footerBytes(
  file: TableFile,
): Promise<{ readonly bytes: Buffer; readonly start: number } | TableRefusal> {
  if (file.bytes === 0) return { refused: 'FILE_EMPTY', reason: '0 bytes' };
  if (file.bytes < smallestBytes) return malformed(`${file.bytes} bytes are no Parquet file`);
  const from = Math.max(0, file.bytes - firstReadBytes);
  const read = await file.read(from, file.bytes - from);
  const end = Buffer.from(read.buffer, read.byteOffset, read.byteLength);
  if (end.length < tailBytes) return malformed('it shrank while it was read');
  const mark = end.toString('latin1', end.length - 4);
  if (mark === 'PARE') return tooComplex('its footer is encrypted');
  if (mark !== 'PAR1') return malformed('it does not end as a Parquet file does: cut off, or something else');
  const length = end.readUInt32LE(end.length - tailBytes);
  const start = file.bytes - tailBytes - length;
  if (start < 4) return malformed(`its footer claims ${length} bytes, the file has ${file.bytes}`);
  if (length > footerBytesMax) return tooComplex(`a footer of ${length} bytes`);
  if (start >= from) return { bytes: end.subarray(start - from, end.length - tailBytes), start };
  const whole = await file.read(start, length);
  return whole.length === length
    ? { bytes: Buffer.from(whole.buffer, whole.byteOffset, whole.byteLength), start }
    : malformed('it shrank while it was read');
}

function describeFooter(bytes: Buffer, start: number): Table | TableRefusal {
  try {
    const footer = readFooter(bytes, start);
    const { columns, profiles, problems } = columnsOf(footer);
    if (columns.length === 0) return { refused: 'FILE_EMPTY', reason: 'no column has a usable name' };
    return {
      format: 'parquet',
      columns,
      rows: 0,
      whole: true,
      stated: true,
      dialect: new Map([
        ['rowGroups', String(footer.rowGroups)],
        ...(footer.createdBy === '' ? [] : [['createdBy', shown(footer.createdBy)] as const]),
      ]),
      problems,
      profile: { rows: footer.rows, columns: profiles },
    };
  } catch (error) {
    if (!(error instanceof BadThrift)) throw error;
    return (error.tooMuch ? tooComplex : malformed)(`its footer: ${error.message}`);
  }
}

const shownMax = 100;
const shown = (text: string): string => text.slice(0, shownMax).toWellFormed();

/** Parquet by its footer alone: schema, rows, and for numbers and times nulls and bounds. No page is read. */
export const parquetReader: TableReader = {
  format: 'parquet',
  extensions: ['parquet', 'parq', 'pq'],
  async describe(file) {
    const footer = await footerBytes(file);
    return 'refused' in footer ? footer : describeFooter(footer.bytes, footer.start);
  },
};
