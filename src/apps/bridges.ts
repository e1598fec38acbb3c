import type { Ports } from '../composition/compose.ts';
import { isFault } from '../domain/fault.ts';
import type { Principal } from '../domain/policy.ts';
import type { Rules } from '../intake/admit.ts';
import { type BridgeStatus, openBridge } from '../intake/bridge.ts';
import type { Intake } from '../intake/submit.ts';
import { datahub } from '../intake/translate/datahub.ts';
import { inbox } from '../intake/translate/inbox.ts';
import type { Dialect } from '../intake/translate/translation.ts';
import type { AnnalConfig } from './config.ts';
import type { Log } from './runtime.ts';

/** Foreign topics that are carried into the log, each by itself. */
export interface Bridges {
  status(): readonly BridgeStatus[];
  stop(): Promise<void>;
}

const retryMs = 2_000;

/** The bridges that the configuration asks for: DataHub's proposals, the inbox. */
export function startBridges(
  config: AnnalConfig,
  { ports, intake, rules, say }: { ports: Ports; intake: Intake; rules: Rules; say: Log },
): Bridges {
  const wanted: { readonly topic: string; readonly dialect: Dialect }[] = [];
  if (config.datahub !== undefined) {
    const { topic, aspects } = config.datahub;
    wanted.push({ topic, dialect: aspects.length === 0 ? datahub() : datahub(aspects) });
  }
  if (config.inboxTopic !== undefined) wanted.push({ topic: config.inboxTopic, dialect: inbox });

  const stopping = new AbortController();
  const statuses = new Map<string, () => BridgeStatus>();

  /** Until stopped: a topic that is missing, or a broker that is away, is looked for again. */
  async function carry({ topic, dialect }: (typeof wanted)[number]): Promise<void> {
    const onFault = (fault: unknown, partition: number | undefined): void =>
      say('warn', 'bridge fault', {
        ...{ topic, dialect: dialect.name, partition, error: String(fault) },
        ...(isFault(fault) ? { code: fault.code } : {}),
      });
    while (!stopping.signal.aborted) {
      try {
        const partitions = await ports.logHost.partitions(topic);
        await using log = await ports.logHost.open({ epoch: 0, topic, partitions });
        await using reader = await log.reader(`${config.name}.bridge.${dialect.name}`);
        const bridge = openBridge({
          ...{ source: dialect.name, topic, dialect, reader, rules, intake, onFault },
          registry: ports.registry,
          principal: principalOf(dialect),
          state: ports.archive.state,
          clock: ports.clock,
        });
        statuses.set(topic, bridge.status);
        await bridge.run(stopping.signal);
      } catch (error) {
        if (stopping.signal.aborted) return;
        if (!isFault(error)) throw error;
        onFault(error, undefined);
      }
      await ports.clock.wait(retryMs, stopping.signal).catch((error: unknown) => {
        if (!stopping.signal.aborted) throw error;
      });
    }
  }

  const running = wanted.map(carry);
  return {
    status: () => [...statuses.values()].map((status) => status()),
    async stop() {
      stopping.abort();
      await Promise.all(running);
    },
  };
}

/** Whoever may write the foreign topic may publish: who that is, the broker decides. */
const principalOf = ({ name }: Dialect): Principal => ({
  name: `bridge:${name}`,
  grants: [{ actions: ['publish'], namespace: '*' }],
});
