import { ask } from './call.ts';
import { connect } from './connect.ts';
import { exitCodes } from './exit-codes.ts';
import type { Run } from './session.ts';

interface Told {
  readonly projection: string;
  readonly index: string;
  readonly stands: string | null;
  readonly replaced: string;
  readonly tookMs: number;
}

/** Back to the index that served before. */
export const run: Run = async (session, [name = '']) => {
  await using connection = await connect(session, { settled: false });
  const path = `/v1/projections/${encodeURIComponent(name)}/rollback`;
  const { text } = await ask(connection.call, 'POST', path, { signal: session.io.signal });
  const { projection, index, stands, replaced, tookMs } = JSON.parse(text) as Told;
  if (session.output === 'table')
    await session.write(
      `${projection}: ${index} serves again, from ${stands ?? 'the beginning'} on (${Math.round(tookMs)} ms); ${replaced} is kept\n`,
    );
  else await session.write(`${text}\n`);
  session.note('it goes on following the log: `annal projections` shows its lag');
  return exitCodes.ok;
};
