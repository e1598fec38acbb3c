import type { DatabaseSync } from 'node:sqlite';
import { Fault } from '../../domain/fault.ts';

/** The one record of what serves: a row per projection. */
export interface Serving {
  of(projection: string): string | undefined;
  names(): ReadonlySet<string>;
  /** Puts `to` in the place of `from` (null: of none). Rejects with `SWAP_REFUSED` when another serves. */
  swap(projection: string, from: string | null, to: string): void;
  close(): void;
}

export function servingIn(db: DatabaseSync): Serving {
  db.exec('CREATE TABLE IF NOT EXISTS serving (projection TEXT PRIMARY KEY, name TEXT NOT NULL) STRICT');
  const one = db.prepare('SELECT name FROM serving WHERE projection = ?');
  const all = db.prepare('SELECT name FROM serving');
  const first = db.prepare('INSERT INTO serving VALUES (?, ?) ON CONFLICT DO NOTHING');
  const next = db.prepare('UPDATE serving SET name = ? WHERE projection = ? AND name = ?');
  const of = (projection: string): string | undefined => {
    const name = one.get(projection)?.name;
    return typeof name === 'string' ? name : undefined;
  };
  return {
    of,
    names: () => new Set(all.all().map((row) => String(row.name))),
    swap(projection, from, to) {
      const done = from === null ? first.run(projection, to) : next.run(to, projection, from);
      if (Number(done.changes) !== 1)
        throw new Fault('SWAP_REFUSED', { projection, from, to, serving: of(projection) ?? null });
    },
    close: () => db.close(),
  };
}
