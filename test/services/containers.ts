import { readFile } from 'node:fs/promises';
import type { GenericContainer, StartedTestContainer } from 'testcontainers';
import type { ServerKind } from './addresses.ts';
import { pinnedVersion } from './native/maven.ts';
import { freePorts } from './native/ports.ts';
import { whenAnswering } from './probes.ts';
import type { RunningServer, ServerOptions } from './running-server.ts';
import { blobConnectionString, brokerSettings, elasticsearchSettings } from './server-settings.ts';

const startWaitMs = 300_000;
const orderlyEndSeconds = 20;

/** A container to start: its image, the port it listens on, its environment, and the address that clients see. */
interface ContainerPlan {
  readonly image: string;
  readonly port: number;
  readonly environment: Record<string, string>;
  readonly command?: string[];
  readonly address: string;
}

type Planner = (at: { host: string; port: number }, options: ServerOptions) => Promise<ContainerPlan>;

const planners: Readonly<Record<ServerKind, Planner>> = {
  kafka: planKafka,
  elasticsearch: planElasticsearch,
  registry: planRegistry,
  azurite: planAzurite,
};

/**
 * Runs a server in a container of the same version as the native route, on a fixed port of the host: it keeps its address over a
 * restart. Fails when the image cannot be had or the server does not answer. testcontainers removes it if we die.
 */
export async function startContainer(kind: ServerKind, options: ServerOptions): Promise<RunningServer> {
  const { GenericContainer, getContainerRuntimeClient } = await import('testcontainers');
  const client = await getContainerRuntimeClient();
  const [port] = await freePorts(1);
  const plan = await planners[kind]({ host: client.info.containerRuntime.host, port: port! }, options);
  const started = await describe(new GenericContainer(plan.image), plan, port!).start();
  const engine = client.container.getById(started.getId());
  const answering = (): Promise<string> => whenAnswering(kind, plan.address, async () => isRunning(engine));
  const version = await answering().catch(async (error) => {
    await started.stop();
    throw error;
  });
  return {
    ...lifetime(started),
    kind,
    route: 'testcontainers',
    address: plan.address,
    version,
    pid: undefined,
    kill: async () => {
      if (await isRunning(engine)) await engine.kill({ signal: 'SIGKILL' });
    },
    end: async () => {
      if (await isRunning(engine)) await engine.stop({ t: orderlyEndSeconds });
    },
    restart: async () => {
      await started.restart({ timeout: orderlyEndSeconds });
      await answering();
    },
    pause: async () => engine.pause(),
    resume: async () => engine.unpause(),
  };
}

function describe(container: GenericContainer, plan: ContainerPlan, port: number): GenericContainer {
  const described = container
    .withExposedPorts({ container: plan.port, host: port })
    .withEnvironment(plan.environment)
    .withStartupTimeout(startWaitMs);
  return plan.command === undefined ? described : described.withCommand(plan.command);
}

interface Inspectable {
  inspect(): Promise<{ State: { Running: boolean } }>;
}

const isRunning = async (container: Inspectable): Promise<boolean> =>
  (await container.inspect()).State.Running;

function lifetime(started: StartedTestContainer): Pick<RunningServer, 'stop' | typeof Symbol.asyncDispose> {
  const stop = async (): Promise<void> => {
    await started.stop();
  };
  return { stop, [Symbol.asyncDispose]: stop };
}

/** The image's rule: KAFKA_, upper case, `.` becomes `_`, `_` becomes `__`, `-` becomes `___`. */
const kafkaVariable = (property: string): string =>
  `KAFKA_${property.toUpperCase().replaceAll('_', '__').replaceAll('-', '___').replaceAll('.', '_')}`;

async function planKafka(at: { host: string; port: number }, options: ServerOptions): Promise<ContainerPlan> {
  const properties = {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': '1@localhost:9093',
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    listeners: 'PLAINTEXT://:9092,CONTROLLER://:9093',
    'advertised.listeners': `PLAINTEXT://${at.host}:${at.port}`,
    ...brokerSettings,
    ...options.settings,
  };
  const variables = Object.entries(properties).map(([name, value]) => [kafkaVariable(name), value]);
  return {
    image: `apache/kafka:${await pinnedVersion('kafka')}`,
    port: 9092,
    environment: { ...Object.fromEntries(variables), KAFKA_HEAP_OPTS: `-Xmx${options.heapMiB ?? 512}m` },
    address: `${at.host}:${at.port}`,
  };
}

async function planElasticsearch(
  at: { host: string; port: number },
  options: ServerOptions,
): Promise<ContainerPlan> {
  const heapMiB = options.heapMiB ?? 1024;
  return {
    image: `elasticsearch:${await pinnedVersion('elasticsearch')}`,
    port: 9200,
    environment: {
      ...elasticsearchSettings,
      'xpack.security.enabled': 'false',
      'ingest.geoip.downloader.enabled': 'false',
      ...options.settings,
      ES_JAVA_OPTS: `-Xms${heapMiB}m -Xmx${heapMiB}m`,
    },
    address: `http://${at.host}:${at.port}`,
  };
}

async function planRegistry(
  at: { host: string; port: number },
  options: ServerOptions,
): Promise<ContainerPlan> {
  return {
    image: `apicurio/apicurio-registry:${await pinnedVersion('registry')}`,
    port: 8080,
    environment: { JAVA_OPTS_APPEND: `-Xmx${options.heapMiB ?? 512}m` },
    address: `http://${at.host}:${at.port}/apis/ccompat/v7`,
  };
}

async function planAzurite(
  at: { host: string; port: number },
  options: ServerOptions,
): Promise<ContainerPlan> {
  const manifest = new URL('../../node_modules/azurite/package.json', import.meta.url);
  const { version } = JSON.parse(await readFile(manifest, 'utf8')) as { version: string };
  const persistence = options.keepsBlobs ? ['--location', '/data'] : ['--inMemoryPersistence'];
  return {
    image: `mcr.microsoft.com/azure-storage/azurite:${version}`,
    port: 10_000,
    environment: {},
    command: [
      ...['azurite-blob', '--blobHost', '0.0.0.0', ...persistence],
      ...['--silent', '--disableTelemetry', '--skipApiVersionCheck'],
    ],
    address: blobConnectionString(at.host, at.port),
  };
}
