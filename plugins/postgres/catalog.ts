import type { ClientBase } from 'pg';

/** What the catalog of a database says of a table, view or the like. */
export interface CatalogTable {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  /** `relkind` of pg_class: r table, p partitioned table, v view, m materialised view, f foreign table. */
  readonly kind: 'r' | 'p' | 'v' | 'm' | 'f';
  readonly comment: string | null;
  /** Of views. */
  readonly definition: string | null;
}

export interface CatalogColumn {
  readonly table: number;
  readonly number: number;
  readonly name: string;
  /** As `\\d` shows it: `numeric(10,2)`. */
  readonly type: string;
  /** `typcategory` of pg_type. */
  readonly category: string;
  readonly required: boolean;
  readonly comment: string | null;
  readonly partitioning: boolean;
}

export interface CatalogKey {
  readonly table: number;
  readonly name: string;
  readonly kind: 'p' | 'f';
  readonly columns: readonly number[];
  /** Of a foreign key; 0 and none otherwise. */
  readonly target: number;
  readonly targetColumns: readonly number[];
}

/** A view reads a column of a relation; column 0: the relation as a whole. */
export interface CatalogRead {
  readonly view: number;
  readonly from: number;
  readonly column: number;
}

export interface Catalog {
  readonly database: string;
  readonly tables: readonly CatalogTable[];
  readonly columns: readonly CatalogColumn[];
  readonly keys: readonly CatalogKey[];
  readonly reads: readonly CatalogRead[];
}

// Partitions are parts of their table, and what a session keeps for itself is nobody's business.
const ours = `n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  and c.relkind in ('r', 'p', 'v', 'm', 'f') and not c.relispartition and c.relpersistence <> 't'`;

const tablesSql = `
  select c.oid::int8 as oid, n.nspname as schema, c.relname as name, c.relkind as kind,
    obj_description(c.oid, 'pg_class') as comment,
    case when c.relkind in ('v', 'm') then pg_get_viewdef(c.oid) end as definition
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where ${ours} order by n.nspname, c.relname`;

const columnsSql = `
  select a.attrelid::int8 as table, a.attnum::int4 as number, a.attname as name,
    format_type(a.atttypid, a.atttypmod) as type, t.typcategory as category, a.attnotnull as required,
    col_description(a.attrelid, a.attnum) as comment,
    coalesce(a.attnum = any(p.partattrs::int2[]), false) as partitioning
  from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
    join pg_type t on t.oid = a.atttypid left join pg_partitioned_table p on p.partrelid = c.oid
  where ${ours} and a.attnum > 0 and not a.attisdropped order by a.attrelid, a.attnum`;

const keysSql = `
  select k.conrelid::int8 as table, k.conname as name, k.contype as kind, k.conkey::int4[] as columns,
    k.confrelid::int8 as target, coalesce(k.confkey::int4[], '{}') as "targetColumns"
  from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
  where ${ours} and k.contype in ('p', 'f') and k.conparentid = 0 order by k.conrelid, k.conname`;

// A view is a rewrite rule; what the rule depends on is what the view reads, column by column.
const readsSql = `
  select distinct r.ev_class::int8 as view, d.refobjid::int8 as from, d.refobjsubid::int4 as column
  from pg_rewrite r join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
    and d.refclassid = 'pg_class'::regclass and d.refobjid <> r.ev_class
    join pg_class c on c.oid = r.ev_class join pg_namespace n on n.oid = c.relnamespace
  where ${ours} and c.relkind in ('v', 'm') order by 1, 2, 3`;

type Rows = readonly Readonly<Record<string, unknown>>[];

/** Numbers that the driver gives as text, for they may be larger than a number here: these are not. */
const numbered = <T>(rows: Rows, ...names: readonly string[]): readonly T[] =>
  rows.map((row) => ({ ...row, ...Object.fromEntries(names.map((name) => [name, Number(row[name])])) }) as T);

/** Reads the catalog as it stands at one moment. Rejects with what the driver rejects with. */
export async function readCatalog(client: ClientBase): Promise<Catalog> {
  const rows = async (sql: string): Promise<Rows> => (await client.query(sql)).rows as Rows;
  await client.query('begin transaction isolation level repeatable read, read only');
  try {
    const [named] = await rows('select current_database() as database');
    return {
      database: String(named?.database),
      tables: numbered(await rows(tablesSql), 'oid'),
      columns: numbered(await rows(columnsSql), 'table'),
      keys: numbered(await rows(keysSql), 'table', 'target'),
      reads: numbered(await rows(readsSql), 'view', 'from'),
    };
  } finally {
    await client.query('rollback');
  }
}
