import { randomUUID } from 'node:crypto';
import { writeSync } from 'node:fs';
import { readConfig } from '../../../src/apps/config.ts';
import { allRoles, openAnnal } from '../../../src/apps/open-annal.ts';
import { localOwner } from '../../../src/domain/policy.ts';
import { urnOf } from './events.ts';

// `<point> <partitions>`: publishes without end, says `<id> <urn> <position>` of what was acknowledged, and opens the next epoch
// meanwhile; dies at the point of that turn. `none`: does not die.
const [at, partitions] = process.argv.slice(2) as [string, string];
const config = readConfig(process.env);
const embedded = config.log.kind === 'file';
const annal = await openAnnal({
  config,
  roles: embedded ? allRoles : { archiver: false, projector: false, intake: true },
  say: () => undefined,
  probes: {
    turnProbe(point) {
      if (point === at) process.kill(process.pid, 'SIGKILL');
    },
  },
});
const { intake, turns } = annal.runtime;
const stopping = new AbortController();
let acknowledged = 0;

async function publish(entity: number): Promise<void> {
  for (let n = 0; !stopping.signal.aborted; n += 1) {
    const name = `t${entity}`;
    const id = randomUUID();
    const event = { id, urn: urnOf(name), aspect: 'datasetProperties', value: { name, description: `${n}` } };
    for (;;) {
      const submission = { body: Buffer.from(JSON.stringify(event)), principal: localOwner };
      const submitted = await intake!.submit(submission).catch(() => undefined); // It is just going over.
      const result = submitted?.kind === 'one' ? submitted.results[0] : undefined;
      if (result?.status === 'appended') {
        const { epoch, partition, offset } = result.position;
        acknowledged += 1;
        writeSync(1, `${id} ${event.urn} ${epoch}-${partition}-${offset}\n`);
        break;
      }
      if (stopping.signal.aborted) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

const publishing = Array.from({ length: 6 }, (_, entity) => publish(entity));
// Both sides of the turn take events in.
while (acknowledged < 30) await new Promise((resolve) => setTimeout(resolve, 5));
const started = await turns.start({ action: 'open', partitions: Number(partitions) });
const ended = await turns.ended(started.id);
stopping.abort();
await Promise.all(publishing);
await annal[Symbol.asyncDispose]();
if (ended.state !== 'done') throw new Error(`the turn failed: ${ended.fault?.message}`);
