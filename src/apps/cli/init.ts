import { readConfig } from '../config.ts';
import { type OpenAnnal, openAnnal } from '../open-annal.ts';
import { finishAdoption } from '../sample.ts';
import { jsonLog, sayTo } from '../serve.ts';
import { exitCodes } from './exit-codes.ts';
import { Failure } from './failure.ts';
import { counted } from './print.ts';
import { type Run, textOf } from './session.ts';

/** Opens the first epoch of a log, with its topic, and the inbox's where that is on; tells what is there. */
export const run: Run = async (session, _args, options) => {
  const asked = textOf(options, 'partitions');
  const config = readConfig(session.io.env, { data: session.data, partitions: asked });
  await using opened = await openAnnal({
    config,
    roles: { archiver: false, projector: false, intake: false },
    say: sayTo(jsonLog('silent', session.io.stderr)),
    prepare: async (ports) => {
      await finishAdoption(ports, config);
    },
  });
  const epoch = opened.runtime.epochs.at(-1)!;
  if (asked !== undefined && epoch.partitions !== config.partitions)
    throw new Failure(
      {
        code: 'TOPIC_MISMATCH',
        detail: `the log is there already, and has ${counted(epoch.partitions, 'partition')}`,
        doThis: `An epoch never grows: \`annal epoch open --partitions ${asked}\` opens the next one.`,
      },
      exitCodes.conflict,
    );
  const inbox =
    config.inbox === undefined ? undefined : await makeInbox(opened, config.inbox.topic, epoch.partitions);
  const { faults, unknown } = await opened.ports.logHost.audit(epoch);
  for (const fault of faults) session.note(`topic ${epoch.topic}: ${fault}`);
  for (const what of unknown) session.note(`topic ${epoch.topic}: the broker does not tell ${what}`);
  const told = {
    log: epoch.log,
    name: epoch.name,
    epoch: epoch.epoch,
    topic: epoch.topic,
    partitions: epoch.partitions,
  };
  await session.write(
    session.output === 'table'
      ? `epoch ${epoch.epoch} of ${epoch.name}: topic ${epoch.topic} with ${counted(epoch.partitions, 'partition')}\n`
      : `${JSON.stringify({ ...told, inbox: inbox ?? null, faults, unknown })}\n`,
  );
  return faults.length === 0 ? exitCodes.ok : exitCodes.failed;
};

/** The inbox is no topic of an epoch, but is made like one. */
async function makeInbox({ ports }: OpenAnnal, topic: string, partitions: number): Promise<string> {
  await ports.logHost.create({ epoch: 1, topic, partitions });
  return topic;
}
