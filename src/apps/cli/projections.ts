import { ask } from './call.ts';
import { connect } from './connect.ts';
import { exitCodes } from './exit-codes.ts';
import { itemLines } from './item-lines.ts';
import { documentsText, tableText } from './print.ts';
import type { Run } from './session.ts';

interface Told {
  readonly projection: string;
  readonly version: number;
  readonly state: string;
  readonly index: string | null;
  readonly documents: number;
  readonly unindexable: number;
  readonly lag: number;
  readonly cut: string | null;
  readonly fault: { readonly code: string } | null;
}

/** What readers see, and how far behind the log it is. */
export const run: Run = async (session) => {
  await using connection = await connect(session);
  const { text } = await ask(connection.call, 'GET', '/v1/projections', { signal: session.io.signal });
  if (session.output === 'json') await session.write(`${text}\n`);
  else if (session.output === 'ndjson') for (const line of itemLines(text)) await session.write(line);
  else {
    const { items } = JSON.parse(text) as { items: readonly Told[] };
    const head = ['PROJECTION', 'VERSION', 'STATE', 'DOCUMENTS', 'LAG', 'CUT', 'INDEX'];
    const rows = items.map(
      ({ projection, version, state, documents, unindexable, lag, cut, index, fault }) => [
        projection,
        String(version),
        fault === null ? state : `${state} (${fault.code})`,
        documentsText(documents, unindexable),
        lag.toLocaleString('en'),
        cut ?? '-',
        index ?? '-',
      ],
    );
    await session.write(await tableText(session, head, rows));
  }
  return exitCodes.ok;
};
