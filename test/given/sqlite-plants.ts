import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { ModelIndex } from '../../src/ports/read-model.ts';
import type { Plants } from '../contracts/plants.ts';

/** Changes the files of indexes in a folder, past the adapter. */
export function sqlitePlants(dir: string): Plants {
  async function change(index: ModelIndex, work: (db: DatabaseSync) => void): Promise<void> {
    const db = new DatabaseSync(join(dir, `${index.name}.sqlite`), { timeout: 10_000 });
    try {
      work(db);
    } finally {
      db.close();
    }
  }
  const docOf = (db: DatabaseSync, id: string): number =>
    Number(db.prepare('SELECT doc FROM docs WHERE id = ?').get(id)!.doc);
  const forget = (db: DatabaseSync, id: string): void => {
    const { name } = db.prepare("SELECT name FROM sqlite_schema WHERE name = 'words'").get() ?? {};
    if (name === 'words') db.prepare('DELETE FROM words WHERE rowid = CAST(? AS INTEGER)').run(docOf(db, id));
  };
  return {
    shape: (index, field) =>
      change(index, (db) => {
        const kind = index.definition.fields[field];
        if (kind === 'words') db.exec(`CREATE INDEX extra_words ON docs (words_digest)`);
        else db.exec(`DROP INDEX by_${kind === 'long' ? 'l' : 'k'}_${field}`);
      }),
    lost: (index, id) => change(index, (db) => forget(db, id)),
    value: (index, id, field) =>
      change(index, (db) => void db.prepare(`UPDATE docs SET k_${field} = 'planted' WHERE id = ?`).run(id)),
    gone: (index, id) =>
      change(index, (db) => {
        forget(db, id);
        const doc = docOf(db, id);
        db.prepare('DELETE FROM bodies WHERE doc = ?').run(doc);
        db.prepare('DELETE FROM docs WHERE doc = ?').run(doc);
      }),
    body: (index, id, altered, version) =>
      change(index, (db) => {
        const doc = docOf(db, id);
        const { body } = db.prepare('SELECT body FROM bodies WHERE doc = ?').get(doc)!;
        const text = altered(Buffer.from(body as Uint8Array).toString());
        db.prepare('UPDATE bodies SET body = ? WHERE doc = ?').run(Buffer.from(text), doc);
        if (version !== undefined) db.prepare('UPDATE docs SET version = ? WHERE doc = ?').run(version, doc);
      }),
  };
}
