import { ask } from './call.ts';
import { connect } from './connect.ts';
import { eventTable, type ToldEvent } from './event-table.ts';
import { exitCodes } from './exit-codes.ts';
import { itemLines } from './item-lines.ts';
import { counted } from './print.ts';
import { type Run, textOf, textsOf } from './session.ts';

interface Told {
  readonly items: readonly ToldEvent[];
  readonly total: number;
  readonly cut: string | null;
}

/** Every change of one entity, newest first. */
export const run: Run = async (session, [urn = ''], options) => {
  await using connection = await connect(session);
  const aspect = textsOf(options, 'aspect');
  const [path, filter] =
    aspect.length === 0
      ? [`/v1/entities/${encodeURIComponent(urn)}/history`, {}]
      : ['/v1/events', { urn, aspect }];
  const { text } = await ask(connection.call, 'GET', path, {
    query: { ...filter, limit: textOf(options, 'limit') },
    signal: session.io.signal,
  });
  const { items, total, cut } = JSON.parse(text) as Told;
  if (session.output === 'json') await session.write(`${text}\n`);
  else if (session.output === 'ndjson') for (const line of itemLines(text)) await session.write(line);
  else if (items.length > 0) await session.write(await eventTable(session, items, false));
  const shown = items.length < total ? ` (${items.length} shown)` : '';
  session.note(`${counted(total, 'event')}${shown}, as of ${cut ?? 'no cut'}`);
  return exitCodes.ok;
};
