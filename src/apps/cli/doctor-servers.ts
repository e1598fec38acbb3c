import { readOwner } from '../../adapters/file-log/owner-lock.ts';
import { readFolder } from '../../composition/archive-reading.ts';
import { openPorts, type Ports } from '../../composition/compose.ts';
import type { HttpAccess } from '../../composition/settings.ts';
import { subjectOf } from '../../streams/archive-names.ts';
import { readEpochs, topicOf } from '../../streams/epochs.ts';
import { missingOffsets } from '../../streams/missing-offsets.ts';
import type { AnnalConfig } from '../config.ts';
import { portSettings } from '../open-annal.ts';
import { ask } from './ask.ts';
import { type Check, checked } from './check.ts';
import { counted } from './print.ts';

const skewMaxMs = 2_000;
const askMs = 5_000;

/** Every configured server, and the Annal that runs on this data folder, if one does. */
export async function serverChecks(
  config: AnnalConfig,
  token: string | undefined,
): Promise<readonly Check[]> {
  const { log, archive, registry, readModel, dataDir } = config;
  await using ports = await openPorts(portSettings(config), () => undefined);
  const running = readOwner(dataDir);
  const all = await Promise.all([
    running === undefined ? [] : checked('server', () => server(running.address, token)),
    running === undefined && archive.kind === 'folder'
      ? checked('archive', () => gaps({ archive: readFolder(dataDir).store, clock: ports.clock }))
      : [],
    log.kind === 'kafka' ? checked('Kafka', () => kafka(config, ports)) : [],
    registry.kind === 'confluent' ? checked('schema registry', () => schemaRegistry(registry)) : [],
    registry.kind === 'azure' ? checked('schema registry', () => azureGroup(config, ports)) : [],
    archive.kind === 'azure-blob' ? checked('Azure Blob', () => blob(ports)) : [],
    readModel.kind === 'elasticsearch' ? checked('Elasticsearch', () => elasticsearch(readModel, ports)) : [],
  ]);
  return all.flat();
}

/** Where a server is, and how it knows us. */
interface HttpPlace {
  readonly url: string;
  readonly access: HttpAccess;
}

/** An answer that does not come is asked for once more, as whoever works with the server does: one may be lost on the way. */
async function get(url: string, headers: Record<string, string> = {}): Promise<Response> {
  const asked = (): Promise<Response> => fetch(url, { signal: AbortSignal.timeout(askMs), headers });
  try {
    return await asked();
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'TimeoutError') throw error;
    return asked();
  }
}

/** A server's clock against ours, by the Date of its answer: exact to a second. */
function clockCheck(check: string, { headers }: Response): readonly Check[] {
  const theirs = Date.parse(headers.get('date') ?? '');
  if (Number.isNaN(theirs)) return [];
  return clock(check, theirs - Date.now());
}

function clock(check: string, aheadMs: number): readonly Check[] {
  // A Date header drops the fraction: up to a second behind says nothing.
  const skewMs = aheadMs < 0 ? Math.min(0, aheadMs + 1_000) : aheadMs;
  const name = `${check} clock`;
  if (Math.abs(skewMs) <= skewMaxMs)
    return [{ check: name, status: 'ok', detail: 'agrees with this machine' }];
  const detail = `${(Math.abs(skewMs) / 1_000).toFixed(1)} s ${skewMs > 0 ? 'ahead of' : 'behind'} this machine`;
  const doThis = 'Append times are what "as of" goes by: synchronise the clocks.';
  return [{ check: name, status: 'warn', detail, doThis }];
}

async function server(address: string, token: string | undefined): Promise<readonly Check[]> {
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const ready = await get(`${address}/readyz`);
  type Reasons = readonly { readonly code: string; readonly detail: string }[];
  const { reasons, degraded = [] } = (await ready.json()) as { reasons: Reasons; degraded?: Reasons };
  const found: Check[] = reasons.map(({ code, detail }) => ({
    check: 'server',
    status: 'fail',
    detail: `${code}: ${detail}`,
    doThis: `\`annal errors ${code}\` explains it.`,
  }));
  if (found.length === 0) found.push({ check: 'server', status: 'ok', detail: `${address} is ready` });
  for (const { code, detail } of degraded)
    found.push({
      check: 'archive',
      status: 'warn',
      detail: `${code}: ${detail}`,
      doThis: `\`annal errors ${code}\` explains it.`,
    });
  const events = await get(`${address}/v1/events?limit=1`, authorization);
  if (!events.ok) return found;
  const { items } = (await events.json()) as { items: readonly { time: number }[] };
  const newest = items[0]?.time ?? 0;
  // An old event says nothing about the clock; one from the future does.
  return newest - Date.now() > skewMaxMs ? [...found, ...clock('log', newest - Date.now())] : found;
}

/** Gaps on record. A running server tells them itself. */
async function gaps({ archive, clock }: Pick<Ports, 'archive' | 'clock'>): Promise<readonly Check[]> {
  const epochs = await readEpochs(archive.truth);
  const missing = await missingOffsets(archive, epochs, { clock, everyMs: 0 })();
  return missing
    .filter(({ kind }) => kind === 'gap')
    .map(({ epoch, partition, first, next }) => ({
      check: 'archive',
      status: 'warn',
      detail: `ARCHIVE_GAP: ${epoch}-${partition}: offsets ${first} to ${next - 1} are missing for ever`,
      doThis: '`annal errors ARCHIVE_GAP` explains it.',
    }));
}

async function kafka({ name, partitions, log }: AnnalConfig, ports: Ports): Promise<readonly Check[]> {
  const brokers = log.kind === 'kafka' ? log.brokers.join(', ') : '';
  const last = (await readEpochs(ports.archive.truth)).at(-1);
  const asked = last ?? { epoch: 1, topic: topicOf(name, 1), partitions };
  const { faults, unknown } = await ports.logHost.audit(asked);
  const found: Check[] = faults.map((fault) => ({
    check: 'topic',
    status: 'fail',
    detail: `${asked.topic}: ${fault}`,
    doThis: 'Change it with the tool that manages the broker.',
  }));
  if (unknown.length > 0)
    found.push({
      check: 'topic',
      status: 'warn',
      detail: `${asked.topic}: the broker does not tell ${unknown.join(', ')}`,
      doThis: 'Look at them where the topic was made.',
    });
  if (found.length === 0)
    found.push({
      check: 'topic',
      status: 'ok',
      detail: `${asked.topic} keeps what an append-only log needs`,
    });
  return [{ check: 'Kafka', status: 'ok', detail: `${brokers} answers` }, ...found];
}

async function schemaRegistry({ url, access }: HttpPlace): Promise<readonly Check[]> {
  const subjects = await ask(`${url}/subjects`, access, askMs);
  if (!subjects.ok)
    return [
      {
        check: 'schema registry',
        status: 'fail',
        detail: `${url} answers ${subjects.status}`,
        doThis: 'ANNAL_SCHEMA_REGISTRY_URL ends before `/subjects`.',
      },
    ];
  const version = (await registryVersion({ url, access })) ?? 'a version it does not tell';
  return [
    { check: 'schema registry', status: 'ok', detail: `${url}, ${version}` },
    ...clockCheck('schema registry', subjects),
  ];
}

/** It tells no version; that of the event schema is asked for as intake does. */
async function azureGroup({ name }: AnnalConfig, { registry }: Ports): Promise<readonly Check[]> {
  const versions = await registry.versions(subjectOf(name));
  const held = `${counted(versions.length, 'version')} of ${subjectOf(name)}`;
  return [{ check: 'schema registry', status: 'ok', detail: `${registry.place} answers; it holds ${held}` }];
}

/** Confluent's registry tells it in one place, Apicurio's in another. */
async function registryVersion({ url, access }: HttpPlace): Promise<string | undefined> {
  const places = [`${url}/v1/metadata/version`, `${new URL(url).origin}/apis/registry/v2/system/info`];
  for (const place of places) {
    const response = await ask(place, access, askMs);
    const text = await response.text();
    if (!response.ok || !text.startsWith('{')) continue;
    const { name, version } = JSON.parse(text) as { name?: string; version?: string };
    if (version !== undefined) return `${name ?? 'version'} ${version}`;
  }
  return undefined;
}

async function blob(ports: Ports): Promise<readonly Check[]> {
  const { archive } = ports;
  const epochs = await readEpochs(archive.truth);
  const account = archive.place.slice(0, archive.place.lastIndexOf('/'));
  const told = URL.canParse(account) ? await get(account) : undefined;
  const version = told?.headers.get('server') ?? 'a version it does not tell';
  return [
    {
      check: 'Azure Blob',
      status: 'ok',
      detail: `${archive.place}, ${version}; it holds ${counted(epochs.length, 'epoch')}`,
    },
    ...(told === undefined ? [] : clockCheck('Azure Blob', told)),
    ...(await gaps(ports)),
  ];
}

async function elasticsearch({ url, access }: HttpPlace, ports: Ports): Promise<readonly Check[]> {
  const response = await ask(`${url}/_nodes?filter_path=nodes.*.version`, access, askMs);
  if (!response.ok)
    return [{ check: 'Elasticsearch', status: 'fail', detail: `${url} answers ${response.status}` }];
  const { nodes = {} } = (await response.json()) as { nodes?: Record<string, { version: string }> };
  const versions = [...new Set(Object.values(nodes).map(({ version }) => version))];
  const indexes = await ports.readModel.list();
  return [
    {
      check: 'Elasticsearch',
      status: 'ok',
      detail: `${url}, version ${versions.join(', ')}; ${counted(indexes.length, 'index', 'indexes')} of ours`,
    },
    ...clockCheck('Elasticsearch', response),
  ];
}
