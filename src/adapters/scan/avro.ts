import { isFault } from '../../domain/fault.ts';
import { AvroReader } from '../../formats/avro-bytes.ts';
import { parseAvroSchema } from '../../formats/avro-schema.ts';
import { type ContainerHeader, readContainerHeader } from '../../formats/container-header.ts';
import type {
  SampleBounds,
  Table,
  TableFile,
  TableProblem,
  TableReader,
  TableRefusal,
} from '../../ports/table-reader.ts';
import { avroColumns } from './avro-columns.ts';

const firstReadBytes = 64 * 1024;
/** A block takes a read of its own: more are not worth a number of rows. */
const blocksMax = 128;
const syncBytes = 16;
/** Two numbers of ten bytes. */
const blockHeadBytes = 20;

const malformed = (reason: string): TableRefusal => ({ refused: 'FILE_MALFORMED', reason });

interface Head {
  readonly header: ContainerHeader;
  /** Where the blocks begin. */
  readonly end: number;
}

/** The header, of at most `bytesMax` bytes. What ends within the first bytes is read again with more of them. */
async function readHead(file: TableFile, bytesMax: number): Promise<Head | TableRefusal> {
  if (file.bytes === 0) return { refused: 'FILE_EMPTY', reason: '0 bytes' };
  for (const bytes of [Math.min(firstReadBytes, bytesMax), bytesMax]) {
    const reader = new AvroReader(await file.read(0, Math.min(file.bytes, bytes)));
    try {
      return { header: readContainerHeader(reader), end: reader.at };
    } catch (error) {
      if (!isFault(error, 'AVRO_INVALID')) throw error;
      if (bytes >= file.bytes || bytes === bytesMax) return malformed(`its header: ${error.facts.reason}`);
    }
  }
  return malformed('no header');
}

interface Blocks {
  /** Undefined: more blocks than are looked at. */
  readonly rows: number | undefined;
  readonly blocks: number;
  /** The blocks do not follow each other to the end of the file. */
  readonly torn: boolean;
}

/** Goes from block to block by their heads: what they hold is not read. */
async function countRows(file: TableFile, { header, end }: Head): Promise<Blocks> {
  let [at, rows, blocks] = [end, 0, 0];
  for (; at < file.bytes; blocks += 1) {
    if (blocks === blocksMax) return { rows: undefined, blocks, torn: false };
    const reader = new AvroReader(await file.read(at, Math.min(blockHeadBytes, file.bytes - at)));
    const block = headOf(reader);
    if (block === undefined) return { rows, blocks, torn: true };
    const next = at + reader.at + block.bytes + syncBytes;
    if (next > file.bytes || !header.sync.equals(await file.read(next - syncBytes, syncBytes)))
      return { rows, blocks, torn: true };
    [at, rows] = [next, rows + block.rows];
    if (!Number.isSafeInteger(rows)) return { rows: undefined, blocks, torn: true };
  }
  return { rows, blocks, torn: false };
}

function headOf(reader: AvroReader): { rows: number; bytes: number } | undefined {
  try {
    const [rows, bytes] = [reader.long(), reader.long()];
    return rows < 0 || bytes < 0 ? undefined : { rows, bytes };
  } catch (error) {
    if (isFault(error, 'AVRO_INVALID')) return undefined;
    throw error;
  }
}

function schemaOf({ meta }: ContainerHeader): { readonly json: unknown } | TableRefusal {
  const text = meta.get('avro.schema');
  if (text === undefined) return malformed('its header names no schema');
  try {
    const json: unknown = JSON.parse(text);
    parseAvroSchema(json);
    return { json };
  } catch (error) {
    if (error instanceof SyntaxError) return malformed('its schema is not JSON');
    if (isFault(error, 'AVRO_INVALID')) return malformed(`its ${error.facts.reason}`);
    throw error;
  }
}

async function describe(file: TableFile, { bytesMax }: SampleBounds): Promise<Table | TableRefusal> {
  const head = await readHead(file, bytesMax);
  if ('refused' in head) return head;
  const schema = schemaOf(head.header);
  if ('refused' in schema) return schema;
  const { columns, problems } = avroColumns(schema.json);
  if (columns.length === 0) return { refused: 'FILE_EMPTY', reason: 'no column has a usable name' };
  const { rows, torn } = await countRows(file, head);
  const cut: TableProblem[] = torn ? [{ code: 'ROWS_MALFORMED', count: 1 }] : [];
  const known = torn || rows === undefined ? {} : { rows };
  return {
    ...{ format: 'avro', columns, rows: 0, whole: true, stated: true },
    dialect: new Map([['codec', (head.header.meta.get('avro.codec') ?? 'null').slice(0, 64).toWellFormed()]]),
    problems: [...problems, ...cut],
    profile: { ...known, columns: [] },
  };
}

/** Avro object containers by their header and the heads of their blocks: schema and rows. No value is read. */
export const avroReader: TableReader = { format: 'avro', extensions: ['avro'], describe };
