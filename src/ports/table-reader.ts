import type { Column } from '../domain/column.ts';
import type { TableProfile } from '../domain/table-profile.ts';

/** How much of a file a reader may look at. */
export interface SampleBounds {
  readonly bytesMax: number;
  readonly rowsMax: number;
}

export const sampleDefault: SampleBounds = { bytesMax: 1024 * 1024, rowsMax: 1_000 };

export const tableLimits = {
  columnsMax: 2_000,
  /** Levels of nested fields; deeper values are described by the field that holds them. */
  fieldDepthMax: 16,
  /** Of a whole field path, UTF-8. */
  nameBytesMax: 512,
} as const;

/** A file as a reader sees it: only ranges are read, so its size does not matter. */
export interface TableFile {
  /** Relative to what is scanned, `/` between segments. */
  readonly path: string;
  readonly bytes: number;
  /**
   * Bytes `[offset, offset + length)`, fewer only at the end of the file. Rejects with `FILE_UNREADABLE`.
   */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** Something a reader saw and worked around; `count` rows or columns are concerned. */
export interface TableProblem {
  readonly code:
    | 'ROWS_MALFORMED'
    | 'ROWS_UNEVEN'
    | 'COLUMNS_TOO_MANY'
    | 'COLUMN_NAMES_REPEATED'
    | 'COLUMN_NAMES_TOO_LONG'
    | 'FIELDS_TOO_DEEP';
  readonly count: number;
}

/** A described table. The same bytes and bounds give an equal description. */
export interface Table {
  readonly format: string;
  /** 1 to `columnsMax`; names are unique. */
  readonly columns: readonly Column[];
  /** Rows looked at. */
  readonly rows: number;
  /** Whether the sample was the whole file. */
  readonly whole: boolean;
  /** How the file is written (`delimiter`, `header`, …), for people. */
  readonly dialect: ReadonlyMap<string, string>;
  readonly problems: readonly TableProblem[];
  /** The format states its columns: none were inferred from rows. */
  readonly stated?: true;
  readonly profile?: TableProfile;
}

export type RefusalCode =
  | 'FILE_EMPTY'
  | 'FILE_MALFORMED'
  | 'FILE_NOT_TEXT'
  | 'FILE_TOO_COMPLEX'
  | 'FILE_UNREADABLE';

/** Why a file has no description. `reason` is for people and holds no values of the file. */
export interface TableRefusal {
  readonly refused: RefusalCode;
  readonly reason: string;
}

/**
 * Reads the shape of one format. Laws: bad content is a refusal or a problem, never a rejection; the only rejection
 * is the file's own `FILE_UNREADABLE`. At most `bytesMax` bytes are read and `rowsMax` rows looked at. Names such as
 * `__proto__` are names like others. Nothing but the bytes decides the result: no clock, locale or file time.
 */
export interface TableReader {
  readonly format: string;
  /** Lower case, without the dot. A file belongs to the first reader that lists its extension. */
  readonly extensions: readonly string[];
  describe(file: TableFile, sample: SampleBounds): Promise<Table | TableRefusal>;
}

export const isRefusal = (answer: Table | TableRefusal): answer is TableRefusal => 'refused' in answer;
