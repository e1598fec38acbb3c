import { resolve } from 'node:path';
import { isKeyName } from '../../formats/note-key.ts';
import { makeKey } from '../signing-key.ts';
import { exitCodes } from './exit-codes.ts';
import { usage } from './failure.ts';
import { type Run, textOf } from './session.ts';

/** Makes a key that signs checkpoints, and prints the half that everybody may know. */
export const run: Run = async (session, [file], options) => {
  const name = textOf(options, 'name') ?? 'annal';
  if (!isKeyName(name)) throw usage('--name takes a name without spaces and without +');
  const { vkey } = makeKey(resolve(file!), name);
  await session.write(session.output === 'table' ? `${vkey}\n` : `${JSON.stringify({ vkey })}\n`);
  session.note('keep the file secret and the line above where nobody can change it with the archive');
  return exitCodes.ok;
};
