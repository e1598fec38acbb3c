import { type Completed, completeLane, lanesOf } from '../../streams/complete.ts';
import { readConfig } from '../config.ts';
import { openArchive } from '../open-archive.ts';
import { exitCodes } from './exit-codes.ts';
import { tableText } from './print.ts';
import { isSet, type Run, type Session } from './session.ts';

/** Gives every lane of the archive its tree and a checkpoint, where that is not done. */
export const run: Run = async (session, _args, options) => {
  const config = readConfig(session.io.env, { data: session.data });
  await using archive = await openArchive(config);
  const { store, clock, epochs, signer } = archive;
  const world = { store, clock, log: epochs[0]!.log, signer, anew: isSet(options, 'anew') };
  const done: Completed[] = [];
  for (const lane of lanesOf(epochs)) {
    session.io.signal.throwIfAborted();
    const completed = await completeLane(world, lane, session.io.signal);
    if (session.output === 'ndjson') await session.write(`${JSON.stringify(told(completed))}\n`);
    done.push(completed);
  }
  if (session.output === 'json') await session.write(`${JSON.stringify({ items: done.map(told) })}\n`);
  if (session.output === 'table') await writeTable(session, done);
  if (signer === undefined) session.note('nobody signed: name a key in ANNAL_SIGNING_KEY_FILE');
  return exitCodes.ok;
};

const told = ({ epoch, partition, size, added, signed }: Completed) => ({
  epoch,
  partition,
  leaves: size,
  added,
  checkpoint: signed,
});

async function writeTable(session: Session, done: readonly Completed[]): Promise<void> {
  const head = ['EPOCH', 'PARTITION', 'LEAVES', 'ADDED', 'CHECKPOINT'];
  const rows = done.map(({ epoch, partition, size, added, signed }) => [
    String(epoch),
    String(partition),
    size.toLocaleString('en'),
    added.toLocaleString('en'),
    signed === null ? '-' : signed.toLocaleString('en'),
  ]);
  await session.write(await tableText(session, head, rows));
}
