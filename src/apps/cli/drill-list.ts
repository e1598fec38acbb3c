import { formatTime } from '../../domain/moment.ts';
import type { DrillReport } from '../../streams/drill-report.ts';
import { ask } from './call.ts';
import { connect } from './connect.ts';
import { exitCodes } from './exit-codes.ts';
import { itemLines } from './item-lines.ts';
import { timeText } from './operations.ts';
import { tableText } from './print.ts';
import type { Run } from './session.ts';

interface Listed {
  readonly items: readonly (DrillReport & { readonly signedBy: readonly string[] })[];
}

/** Recoveries and drills of this log, newest first. */
export const run: Run = async (session) => {
  await using connection = await connect(session, { settled: false });
  const { text } = await ask(connection.call, 'GET', '/v1/drills', { signal: session.io.signal });
  if (session.output === 'json') await session.write(`${text}\n`);
  else if (session.output === 'ndjson') for (const line of itemLines(text)) await session.write(line);
  else {
    const { items } = JSON.parse(text) as Listed;
    const rows = items.map(({ id, kind, result, endedAt, tookMs, models, signedBy }) => [
      ...[id, kind, result, formatTime(endedAt), timeText(tookMs)],
      models.map(({ projection, cut }) => `${projection} ${cut}`).join(' '),
      signedBy.join(' ') || '-',
    ]);
    await session.write(
      await tableText(session, ['ID', 'KIND', 'RESULT', 'ENDED', 'TOOK', 'MODELS AT', 'SIGNED BY'], rows),
    );
  }
  return exitCodes.ok;
};
