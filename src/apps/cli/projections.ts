import { ask } from './call.ts';
import { connect } from './connect.ts';
import { exitCodes } from './exit-codes.ts';
import { itemLines } from './item-lines.ts';
import { timeText } from './operations.ts';
import { documentsText, tableText } from './print.ts';
import type { Run } from './session.ts';

interface Told {
  readonly projection: string;
  readonly version: number;
  readonly programVersion: number;
  readonly state: string;
  readonly index: string | null;
  readonly documents: number;
  readonly unindexable: number;
  readonly lag: number;
  readonly cut: string | null;
  readonly drift: { readonly drifted: number; readonly endedAt: number } | null;
  readonly kept: (Beside & { readonly lag: number; readonly fault: { readonly code: string } | null }) | null;
  readonly beside: readonly Beside[];
  readonly fault: { readonly code: string } | null;
}

/** An index that does not serve. */
interface Beside {
  readonly index: string;
  readonly cut: string | null;
  readonly since: number;
}

/** What readers see, and how far behind the log it is. */
export const run: Run = async (session) => {
  await using connection = await connect(session);
  const { text } = await ask(connection.call, 'GET', '/v1/projections', { signal: session.io.signal });
  if (session.output === 'json') await session.write(`${text}\n`);
  else if (session.output === 'ndjson') for (const line of itemLines(text)) await session.write(line);
  else {
    const { items } = JSON.parse(text) as { items: readonly Told[] };
    const head = ['PROJECTION', 'VERSION', 'STATE', 'DOCUMENTS', 'LAG', 'DRIFT', 'CUT', 'INDEX'];
    const rows = items.map(
      ({ projection, version, state, documents, unindexable, lag, drift, cut, index, fault }) => [
        projection,
        String(version),
        fault === null ? state : `${state} (${fault.code})`,
        documentsText(documents, unindexable),
        lag.toLocaleString('en'),
        drift === null ? '-' : `${drift.drifted.toLocaleString('en')}, ${ago(drift.endedAt)} ago`,
        cut ?? '-',
        index ?? '-',
      ],
    );
    await session.write(await tableText(session, head, rows));
    for (const { projection, version, programVersion, index, kept, beside } of items) {
      if (index !== null && version !== programVersion)
        await session.write(
          `${projection}: version ${version} serves, this program folds ${programVersion}; \`annal rebuild ${projection}\` builds it beside\n`,
        );
      if (kept !== null) {
        const behind = `${kept.lag.toLocaleString('en')} behind${kept.fault === null ? '' : ` (${kept.fault.code})`}`;
        await session.write(
          `${projection}: kept ${standing(kept)}, ${behind}; \`annal rollback ${projection}\` goes back\n`,
        );
      }
      for (const one of beside) await session.write(`${projection}: beside it ${standing(one)}\n`);
    }
  }
  return exitCodes.ok;
};

const ago = (at: number): string => timeText(Math.max(0, Date.now() - at));

const standing = ({ index, cut, since }: Beside): string =>
  `${index} at ${cut ?? 'no cut'}, ${ago(since)} old`;
