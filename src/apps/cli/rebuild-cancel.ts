import { askJson, type Call } from './call.ts';
import { connect } from './connect.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import { Failure } from './failure.ts';
import type { ToldOperation } from './operations.ts';
import type { Session } from './session.ts';

/** Rebuilds that run or were left, of one projection or of all. */
async function unfinished(call: Call, name: string | undefined): Promise<readonly ToldOperation[]> {
  const { items } = await askJson<{ items: readonly ToldOperation[] }>(call, 'GET', '/v1/rebuilds');
  const isOpen = ({ state, resumable }: ToldOperation): boolean => state === 'running' || resumable;
  return items.filter((item) => isOpen(item) && (name === undefined || item.projection === name));
}

/** Ends what runs or was left, and clears it away. Ends with 3 where there is nothing of it. */
export async function cancelLeft(session: Session, name: string | undefined): Promise<ExitCode> {
  await using connection = await connect(session, { settled: false });
  const { call } = connection;
  const found = await unfinished(call, name);
  if (found.length === 0)
    throw new Failure(
      {
        code: 'OPERATION_UNKNOWN',
        detail: `no rebuild of ${name ?? 'any projection'} runs or was left`,
        doThis: '`annal rebuild NAME --plan` says what one would do.',
      },
      exitCodes.notFound,
    );
  const cancelled: { readonly id: string; readonly projection: string }[] = [];
  for (const { id, projection } of found) {
    await askJson(call, 'DELETE', `/v1/rebuilds/${id}`, { signal: session.io.signal });
    cancelled.push({ id, projection });
    if (session.output === 'table') await session.write(`${projection}: ${id} is cleared away\n`);
    if (session.output === 'ndjson') await session.write(`${JSON.stringify({ id, projection })}\n`);
  }
  if (session.output === 'json') await session.write(`${JSON.stringify({ items: cancelled })}\n`);
  return exitCodes.ok;
}
