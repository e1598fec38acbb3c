import { ask, askJson } from './call.ts';
import { connect } from './connect.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import { Failure, usage } from './failure.ts';
import type { ToldOperation } from './operations.ts';
import { visible } from './print.ts';
import type { Session } from './session.ts';

/** The report of a rebuild: as JSON with its note, or as Markdown. */
export async function showReport(
  session: Session,
  name: string | undefined,
  asked: string | undefined,
): Promise<ExitCode> {
  if (name === undefined && asked === undefined)
    throw usage(
      'name the projection, or the id of a rebuild',
      '`annal rebuild NAME --report` shows the last one.',
    );
  await using connection = await connect(session, { settled: false });
  const { call } = connection;
  const { signal } = session.io;
  const id = asked ?? (await lastOf(name!));
  const { text } = await ask(call, 'GET', `/v1/rebuilds/${encodeURIComponent(id)}/report`, { signal });
  if (session.output !== 'table') await session.write(`${text}\n`);
  else {
    const { markdown } = JSON.parse(text) as { markdown: string };
    await session.write(`${markdown.split('\n').map(visible).join('\n')}`);
  }
  return exitCodes.ok;

  async function lastOf(projection: string): Promise<string> {
    const { items } = await askJson<{ items: readonly ToldOperation[] }>(call, 'GET', '/v1/rebuilds', {
      signal,
    });
    const last = items.find((item) => item.projection === projection && item.state === 'done');
    if (last !== undefined) return last.id;
    const detail = `no report of a rebuild of ${projection} is kept`;
    throw new Failure({ code: 'OPERATION_UNKNOWN', detail }, exitCodes.notFound);
  }
}
