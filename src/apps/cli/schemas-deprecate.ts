import { ask } from './call.ts';
import { connect } from './connect.ts';
import { exitCodes } from './exit-codes.ts';
import { usage } from './failure.ts';
import { visible } from './print.ts';
import { isSet, type Run, textOf } from './session.ts';

/** Marks a schema, or takes the mark away. */
export const run: Run = async (session, [name = '', version], options) => {
  const reason = textOf(options, 'reason');
  const undo = isSet(options, 'undo');
  if (undo === (reason !== undefined)) throw usage('either --reason says why, or --undo takes it back');
  if (version !== undefined && !/^[1-9][0-9]{0,8}$/.test(version))
    throw usage(`${JSON.stringify(version)} is no version: a number from 1 on`);
  const body = JSON.stringify({
    reason: undo ? null : reason,
    ...(version === undefined ? {} : { version: Number(version) }),
  });
  await using connection = await connect(session, { settled: false });
  const path = `/v1/schemas/${encodeURIComponent(name)}/deprecate`;
  const { text } = await ask(connection.call, 'POST', path, { body, signal: session.io.signal });
  const which = version === undefined ? 'every version' : `version ${version}`;
  const what = undo ? 'not deprecated' : 'deprecated';
  await session.write(session.output === 'table' ? `${visible(name)}, ${which}: ${what}\n` : `${text}\n`);
  return exitCodes.ok;
};
