import { setTimeout as pause } from 'node:timers/promises';
import type { ServerKind } from './addresses.ts';
import { brokerVersions } from './kafka-api-versions.ts';

const answerWaitMs = 5_000;
const startWaitMs = 120_000;
const probeEveryMs = 100;

/**
 * Asks the server at this address what it is. An answer means that it serves: the version it tells, as one short text.
 * Fails while it does not answer, and when something else answers there.
 */
export const probes: Readonly<Record<ServerKind, (address: string) => Promise<string>>> = {
  kafka: probeKafka,
  elasticsearch: probeElasticsearch,
  registry: probeRegistry,
  azurite: probeBlob,
};

/**
 * Asks a starting server until it answers, and answers what it tells. Fails at once when `runs` says that it ended, and
 * after two minutes.
 */
export async function whenAnswering(
  kind: ServerKind,
  address: string,
  runs: () => Promise<boolean>,
): Promise<string> {
  const deadline = Date.now() + startWaitMs;
  for (;;) {
    try {
      return await probes[kind](address);
    } catch (error) {
      if (!(await runs())) throw new Error('ended before it answered', { cause: error });
      if (Date.now() > deadline) throw new Error(`did not answer within ${startWaitMs} ms`, { cause: error });
      await pause(probeEveryMs);
    }
  }
}

async function probeKafka(brokers: string): Promise<string> {
  const { highest, features } = await brokerVersions(brokers.split(',')[0]!.trim(), answerWaitMs);
  const api = (name: string, key: number): string => `${name} ${highest.get(key) ?? 'none'}`;
  const metadataVersion = features.get('metadata.version');
  const apis = [api('Produce', 0), api('Fetch', 1), api('Metadata', 3)].join(', ');
  return metadataVersion === undefined ? apis : `${apis}; metadata.version ${metadataVersion}`;
}

async function probeElasticsearch(url: string): Promise<string> {
  await answer(`${url}/_cluster/health?wait_for_status=yellow&timeout=1s`);
  const filter = 'filter_path=nodes.*.version,nodes.*.jvm.version';
  const { nodes } = (await answer(`${url}/_nodes?${filter}`)) as {
    nodes: Record<string, { version: string; jvm: { version: string } }>;
  };
  return Object.values(nodes)
    .map(({ version, jvm }) => `${version} (_nodes), Java ${jvm.version}`)
    .join(' + ');
}

async function probeRegistry(url: string): Promise<string> {
  await answer(`${url}/subjects`);
  const info = await fetch(new URL('/apis/registry/v3/system/info', url), {
    signal: AbortSignal.timeout(answerWaitMs),
  });
  // Other registries speak the same API for schemas and have no such page.
  if (!info.ok) return 'a Confluent-compatible registry that tells no version';
  const { name, version } = (await info.json()) as { name: string; version: string };
  return `${version} (${name})`;
}

async function probeBlob(connectionString: string): Promise<string> {
  // Unsigned, so it is refused; the refusal names the server.
  const response = await fetch(`${blobEndpoint(connectionString)}?comp=list`, {
    signal: AbortSignal.timeout(answerWaitMs),
  });
  await response.body?.cancel();
  const server = response.headers.get('server');
  if (server === null) throw new Error('an HTTP server that does not name itself');
  return server;
}

/** The blob endpoint of an Azure Storage connection string. */
function blobEndpoint(connectionString: string): string {
  const fields = new Map(
    connectionString
      .split(';')
      .map((field) => field.split(/=(.*)/s))
      .map(([name, value]) => [name!, value ?? '']),
  );
  if (fields.get('UseDevelopmentStorage') === 'true') return 'http://127.0.0.1:10000/devstoreaccount1';
  const suffix = fields.get('EndpointSuffix') ?? 'core.windows.net';
  return fields.get('BlobEndpoint') ?? `https://${fields.get('AccountName')}.blob.${suffix}`;
}

async function answer(url: string): Promise<unknown> {
  const response = await fetch(url, { signal: AbortSignal.timeout(answerWaitMs) });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return response.json();
}
