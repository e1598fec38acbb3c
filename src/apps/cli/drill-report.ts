import { ask, askJson } from './call.ts';
import { connect } from './connect.ts';
import { exitCodes } from './exit-codes.ts';
import { Failure } from './failure.ts';
import { visible } from './print.ts';
import type { Run } from './session.ts';

/** The report of a recovery or drill, the last one without an id: as JSON with its note, or as Markdown. */
export const run: Run = async (session, [asked]) => {
  await using connection = await connect(session, { settled: false });
  const { call } = connection;
  const { signal } = session.io;
  const id = asked ?? (await lastOf());
  const path = `/v1/drills/${encodeURIComponent(id)}/report`;
  const { text } = await ask(call, 'GET', path, { signal });
  if (session.output !== 'table') await session.write(`${text}\n`);
  else {
    const { markdown } = JSON.parse(text) as { markdown: string };
    await session.write(markdown.split('\n').map(visible).join('\n'));
  }
  return exitCodes.ok;

  async function lastOf(): Promise<string> {
    const { items } = await askJson<{ items: readonly { id: string }[] }>(call, 'GET', '/v1/drills', {
      signal,
    });
    if (items[0] !== undefined) return items[0].id;
    const detail = 'no report of a recovery or drill is kept';
    throw new Failure(
      { code: 'OPERATION_UNKNOWN', detail, doThis: '`annal drill` makes one.' },
      exitCodes.notFound,
    );
  }
};
