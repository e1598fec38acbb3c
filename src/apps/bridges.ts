import type { Ports } from '../composition/compose.ts';
import { type Fault, faults, isFault } from '../domain/fault.ts';
import type { Principal } from '../domain/policy.ts';
import type { Rules } from '../intake/admit.ts';
import { type BridgeStatus, openBridge } from '../intake/bridge.ts';
import type { Intake } from '../intake/submit.ts';
import { datahub, datahubSnapshots } from '../intake/translate/datahub.ts';
import { inbox } from '../intake/translate/inbox.ts';
import type { Dialect } from '../intake/translate/translation.ts';
import { type LogWatch, type StalledLane, watchLog } from '../streams/watch-log.ts';
import type { Health } from './annal.ts';
import { announceSchema } from './announce-schema.ts';
import type { AnnalConfig } from './config.ts';
import type { Log } from './runtime.ts';

/** Foreign topics that are carried into the log, each by itself. */
export interface Bridges {
  status(): readonly BridgeStatus[];
  /** What keeps a bridge from its work until somebody does something; a world that is away is told elsewhere. */
  reasons(): Health['reasons'];
  stop(): Promise<void>;
}

interface Wanted {
  readonly topic: string;
  readonly source: string;
  readonly dialect: Dialect;
}

const retryMs = 2_000;

/** The bridges that the configuration asks for: DataHub's proposals, the inbox. */
export function startBridges(
  config: AnnalConfig,
  { ports, intake, rules, say }: { ports: Ports; intake: Intake; rules: Rules; say: Log },
): Bridges {
  const wanted: Wanted[] = [];
  if (config.datahub !== undefined) {
    const { topic, source } = config.datahub;
    wanted.push({ topic, source, dialect: datahub(config.datahubAspects) });
  }
  if (config.datahubSnapshots !== undefined)
    wanted.push({ ...config.datahubSnapshots, dialect: datahubSnapshots(config.datahubAspects) });
  if (config.inbox !== undefined) wanted.push({ ...config.inbox, dialect: inbox });

  const stopping = new AbortController();
  const statuses = new Map<string, () => BridgeStatus>();
  const unopened = new Map<string, Fault>();
  const watches = new Map<string, LogWatch>();

  /** Until stopped: a topic that is missing, or a broker that is away, is looked for again. */
  async function carry({ topic, source, dialect }: Wanted): Promise<void> {
    const onFault = (fault: unknown, partition: number | undefined): void =>
      say('warn', 'bridge fault', {
        ...{ topic, dialect: dialect.name, partition, error: String(fault) },
        ...(isFault(fault) ? { code: fault.code } : {}),
      });
    while (!stopping.signal.aborted) {
      try {
        const partitions = await ports.logHost.partitions(topic);
        await using log = await ports.logHost.open({ epoch: 0, topic, partitions });
        const onStall = (lane: StalledLane): void => say('warn', 'lane stalled', { topic, ...lane });
        await using watch = watchLog(log, { clock: ports.clock, stallMs: config.stallMs, onStall });
        watches.set(topic, watch);
        await using reader = await watch.log.reader(`${config.name}.bridge.${dialect.name}`);
        const bridge = openBridge({
          ...{ source, topic, dialect, reader, rules, intake, onFault },
          registry: ports.registry,
          principal: principalOf(dialect),
          state: ports.archive.state,
          clock: ports.clock,
        });
        statuses.set(topic, bridge.status);
        unopened.delete(topic);
        await bridge.run(stopping.signal);
      } catch (error) {
        if (stopping.signal.aborted) return;
        if (!isFault(error)) throw error;
        unopened.set(topic, error);
        onFault(error, undefined);
      }
      await ports.clock.wait(retryMs, stopping.signal).catch((error: unknown) => {
        if (!stopping.signal.aborted) throw error;
      });
    }
  }

  const running = wanted.map(carry);
  if (config.inbox !== undefined)
    running.push(announceSchema(ports, config.inbox.topic, say, stopping.signal));
  return {
    status: () => [...statuses.values()].map((status) => status()),
    reasons: () => [
      ...[...unopened].flatMap(([topic, { code, remedy, message }]) =>
        remedy === 'retry' ? [] : [{ code, detail: `bridge of ${topic}: ${message}` }],
      ),
      ...[...statuses.values()].flatMap((status) => haltedIn(status())),
      ...[...watches].flatMap(([topic, watch]) => watch.stalled().map(stalledIn(topic))),
    ],
    async stop() {
      stopping.abort();
      await Promise.all(running);
    },
  };
}

const haltedIn = ({ topic, lanes }: BridgeStatus): Health['reasons'] =>
  lanes.flatMap(({ partition, state, code }) =>
    state === 'halted' && code !== undefined
      ? [{ code, detail: `bridge of ${topic}, partition ${partition}: ${faults[code].about}` }]
      : [],
  );

const stalledIn =
  (topic: string) =>
  ({ partition }: StalledLane): Health['reasons'][number] => ({
    code: 'LANE_STALLED',
    detail: `bridge of ${topic}, partition ${partition}: ${faults.LANE_STALLED.about}`,
  });

/** Whoever may write the foreign topic may publish: who that is, the broker decides. */
const principalOf = ({ name }: Dialect): Principal => ({
  name: `bridge:${name}`,
  grants: [{ actions: ['publish'], namespace: '*' }],
});
