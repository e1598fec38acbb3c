import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BlobServiceClient } from '@azure/storage-blob';
import { type Admin, Kafka, logLevel } from 'kafkajs';
import { type Addresses, addresses, eventHubVariable } from '../addresses.ts';
import { eventHubsForTests } from '../event-hubs/manners.ts';
import { eventHubsProxy } from '../event-hubs/proxy.ts';
import { forgetSubject, heard } from '../heard.ts';

/** The full profile under names of its own on the servers of this run. */
export interface OwnProfile extends AsyncDisposable {
  /** Of the log, the containers' and the indexes' prefix. */
  readonly name: string;
  readonly servers: Addresses;
  /** Configuration of a process: every port on a server, a data folder of its own for what has none. */
  readonly env: Readonly<Record<string, string>>;
  readonly dir: string;
}

export const newName = (): string => `scn${randomBytes(5).toString('hex')}`;

/** Servers as scenarios meet them: the broker with the manners of Event Hubs, where the run has one. */
export function scenarioServers(env: NodeJS.ProcessEnv = process.env): Addresses {
  const hub = env[eventHubVariable];
  return hub === undefined ? addresses(env) : { ...addresses(env), kafkaBrokers: [hub] };
}

/** The same for a broker of a scenario's own. The way to it ends with `stack`. */
export async function asScenariosMeetIt(stack: AsyncDisposableStack, broker: string): Promise<string> {
  if (process.env[eventHubVariable] === undefined) return broker;
  return stack.use(await eventHubsProxy(broker, eventHubsForTests)).address;
}

/** What the variables say, with names that nobody else uses. `more` wins. */
export async function ownProfile(
  more: Readonly<Record<string, string>> = {},
  servers: Addresses = scenarioServers(),
): Promise<OwnProfile> {
  const name = newName();
  const dir = await mkdtemp(join(tmpdir(), 'annal-scenario-'));
  const env = {
    ANNAL_DATA: join(dir, 'data'),
    ANNAL_PORT: '0',
    ANNAL_TOPIC: name,
    ANNAL_KAFKA_BROKERS: servers.kafkaBrokers.join(','),
    ANNAL_SCHEMA_REGISTRY_URL: servers.schemaRegistryUrl,
    ANNAL_BLOB_CONNECTION_STRING: servers.blobConnectionString,
    ANNAL_KAFKA_SESSION_SECONDS: '6',
    ANNAL_BLOB_PREFIX: name,
    ANNAL_ELASTICSEARCH_URL: servers.elasticsearchUrl,
    ANNAL_ELASTICSEARCH_PREFIX: name,
    ANNAL_ARCHIVE_FLUSH_SECONDS: '1',
    ...more,
  };
  return {
    ...{ name, servers, env, dir },
    async [Symbol.asyncDispose]() {
      await forgetLog(servers, name);
      await forgetArchive(servers, name);
      await rm(dir, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

export const kafkaOf = ({ kafkaBrokers }: Pick<Addresses, 'kafkaBrokers'>): Kafka =>
  new Kafka({ clientId: 'annal-scenario', brokers: kafkaBrokers, logLevel: logLevel.NOTHING });

export async function asAdmin<T>(
  servers: Pick<Addresses, 'kafkaBrokers'>,
  work: (admin: Admin) => Promise<T>,
): Promise<T> {
  const admin = kafkaOf(servers).admin();
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}

/** Everything but the archive: topics and subjects `<name>…`, indexes `<name>-…`. */
export async function forgetLog(servers: Addresses, name: string): Promise<void> {
  await asAdmin(servers, async (admin) => {
    const topics = (await admin.listTopics()).filter((topic) => topic.startsWith(name));
    if (topics.length > 0) await admin.deleteTopics({ topics });
  });
  const subjects = (await heard(() => json(`${servers.schemaRegistryUrl}/subjects`))) as string[];
  for (const subject of subjects.filter((one) => one.startsWith(name)))
    await forgetSubject(servers.schemaRegistryUrl, subject);
  for (const index of Object.keys((await json(`${servers.elasticsearchUrl}/${name}-*`)) as object))
    await fetch(`${servers.elasticsearchUrl}/${index}`, { method: 'DELETE' });
}

async function forgetArchive({ blobConnectionString }: Addresses, name: string): Promise<void> {
  const service = BlobServiceClient.fromConnectionString(blobConnectionString);
  for (const container of [`${name}-archive`, `${name}-state`])
    await service.getContainerClient(container).deleteIfExists();
}

export async function json(url: string, init?: RequestInit): Promise<unknown> {
  const answer = await fetch(url, init);
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}: ${await answer.text()}`);
  return answer.json();
}
