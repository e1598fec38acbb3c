import type { ListedEpoch } from '../epoch-turns.ts';
import { ask } from './call.ts';
import { connect } from './connect.ts';
import { exitCodes } from './exit-codes.ts';
import { itemLines } from './item-lines.ts';
import { tableText } from './print.ts';
import type { Run } from './session.ts';

/** Every epoch of the log, oldest first. */
export const run: Run = async (session) => {
  await using connection = await connect(session, { settled: false });
  const { text } = await ask(connection.call, 'GET', '/v1/epochs', { signal: session.io.signal });
  if (session.output === 'json') await session.write(`${text}\n`);
  else if (session.output === 'ndjson') for (const line of itemLines(text)) await session.write(line);
  else {
    const { items } = JSON.parse(text) as { items: readonly ListedEpoch[] };
    const rows = items.map(({ epoch, topic, partitions, state, openedAt, end, events, lost }) => [
      ...[String(epoch), topic, String(partitions), lost ? `${state}, topic lost` : state],
      ...[openedAt, end ?? '-', events === null ? '-' : events.toLocaleString('en')],
    ]);
    const heads = ['EPOCH', 'TOPIC', 'PARTITIONS', 'STATE', 'OPENED', 'END', 'EVENTS'];
    await session.write(await tableText(session, heads, rows));
  }
  return exitCodes.ok;
};
