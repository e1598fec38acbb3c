import { ask } from './call.ts';
import { connect } from './connect.ts';
import { exitCodes } from './exit-codes.ts';
import type { Run } from './session.ts';

/** Drops an index that is kept. */
export const run: Run = async (session, [name = '', index]) => {
  await using connection = await connect(session, { settled: false });
  const { text } = await ask(connection.call, 'POST', `/v1/projections/${encodeURIComponent(name)}/retire`, {
    body: JSON.stringify(index === undefined ? {} : { index }),
    signal: session.io.signal,
  });
  const { projection, retired } = JSON.parse(text) as { projection: string; retired: string };
  await session.write(session.output === 'table' ? `${projection}: ${retired} is gone\n` : `${text}\n`);
  return exitCodes.ok;
};
