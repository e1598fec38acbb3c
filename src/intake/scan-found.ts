import type { Column } from '../domain/column.ts';
import type { TableProfile } from '../domain/table-profile.ts';
import type { RefusalCode, TableProblem } from '../ports/table-reader.ts';

/** A table as found: one file, or a folder of part files. */
export interface FoundTable {
  readonly urn: string;
  /** Name within the source, dotted: the middle of the URN before it was bounded. */
  readonly name: string;
  /** What people call it: the last segment without extension. */
  readonly title: string;
  /** Relative path of the file, or of the folder with a final `/`. */
  readonly path: string;
  readonly container: string | undefined;
  readonly format: string;
  readonly columns: readonly Column[];
  readonly files: number;
  /** Of the files that could be opened. */
  readonly bytes: number;
  /** Undefined where the format states what others have to be sampled for. */
  readonly rowsSampled: number | undefined;
  /** Whether every file was read to its end. */
  readonly whole: boolean;
  readonly profile: TableProfile | undefined;
  readonly dialect: ReadonlyMap<string, string>;
}

/** A value of an aspect, ready for JSON. */
export type AspectValue = Readonly<Record<string, unknown>>;

/** An entity the scan vouches for, with the aspects it writes. */
export interface FoundEntity {
  readonly kind: 'entity';
  readonly urn: string;
  readonly path: string;
  readonly aspects: ReadonlyMap<string, AspectValue>;
  readonly problems: readonly TableProblem[];
  /** Where a later scan that finds the same need not look into it; absent where it has to. */
  readonly stamp?: string;
}

/** An entity that is what it was when somebody looked into it last. */
export interface FoundSame {
  readonly kind: 'same';
  readonly urn: string;
  readonly path: string;
}

/** A file or folder that could not be described. Its URN, where it has one, still counts as seen. */
export interface FoundRefusal {
  readonly kind: 'refused';
  readonly path: string;
  readonly code: RefusalCode;
  readonly reason: string;
  readonly urn: string | undefined;
}

/** That what an entity is made of could not be read. What is known of it otherwise stays as it is. */
export interface FoundState {
  readonly kind: 'state';
  readonly urn: string;
  readonly path: string;
  /** `status` too, which is written only where nothing is known of the entity. */
  readonly aspects: ReadonlyMap<string, AspectValue>;
}

/** An entry passed over by rule: a symbolic link, no plain file, a format without a reader, a name `_x`. */
export interface FoundSkip {
  readonly kind: 'skipped';
  readonly path: string;
  readonly why: 'link' | 'special' | 'format' | 'hidden';
}

export type FoundItem = FoundEntity | FoundSame | FoundState | FoundRefusal | FoundSkip;

/** A whole scan, gathered. */
export interface ScanFound {
  readonly entities: readonly FoundEntity[];
  readonly states: readonly FoundState[];
  readonly refused: readonly FoundRefusal[];
  readonly skipped: readonly FoundSkip[];
}

/** Gathers a scan that fits into memory; a scan of very many files is planned item by item (`scanPlanner`). */
export async function gatherScan(items: AsyncIterable<FoundItem>): Promise<ScanFound> {
  const entities: FoundEntity[] = [];
  const states: FoundState[] = [];
  const refused: FoundRefusal[] = [];
  const skipped: FoundSkip[] = [];
  for await (const item of items) {
    if (item.kind === 'entity') entities.push(item);
    else if (item.kind === 'state') states.push(item);
    else if (item.kind === 'refused') refused.push(item);
    else if (item.kind === 'skipped') skipped.push(item);
  }
  return { entities, states, refused, skipped };
}
