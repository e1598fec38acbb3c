import pg from 'pg';
import { placeText } from '../../src/client/change.ts';
import { runPlugin } from '../../src/client/run-plugin.ts';
import { type Catalog, readCatalog } from './catalog.ts';
import { foundIn } from './found-in.ts';

const statementMs = 30_000;
const connectMs = 10_000;

/** One look at the catalog, on a connection of its own: what is held open between two looks may be gone by the second. */
async function look(connectionString: string | undefined): Promise<Catalog> {
  const client = new pg.Client({
    ...(connectionString === undefined ? {} : { connectionString }),
    ...{ application_name: 'annal-plugin-postgres', statement_timeout: statementMs },
    ...{ query_timeout: statementMs, connectionTimeoutMillis: connectMs },
  });
  // Without a listener a connection that breaks between two queries would end the process; the next query tells it.
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await readCatalog(client);
  } finally {
    await client.end();
  }
}

await runPlugin(
  {
    name: 'postgres',
    version: '1.0.0',
    async work({ env, snapshot, rest, signal, warn, waitingFor }) {
      const everyMs = Number(env.EVERY_SECONDS || 60) * 1_000;
      if (!(everyMs > 0)) throw new TypeError('EVERY_SECONDS has to be a number above 0');
      const allowDeletions = env.ALLOW_DELETIONS === 'on';
      while (!signal.aborted) {
        let catalog: Catalog | undefined;
        try {
          catalog = await look(env.DATABASE_URL || undefined);
          waitingFor();
        } catch (error) {
          // The driver repeats no password in what it says.
          const detail = error instanceof Error ? error.message || error.name : String(error);
          waitingFor({ code: 'SOURCE_UNAVAILABLE', detail });
          warn(`the database cannot be read: ${detail}`);
        }
        if (catalog !== undefined) {
          const { held } = await snapshot(foundIn(catalog), { complete: true, allowDeletions });
          if (held !== undefined)
            warn(
              `${held.count} of ${held.owned} tables are gone; nothing is deleted without ALLOW_DELETIONS=on`,
            );
        }
        await rest(everyMs);
      }
    },
    onPublished: ({ urn, place }, { say }) => say(`MCE Published ${urn} ${placeText(place)}`),
  },
  process,
);
