import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { v7 as uuidV7 } from 'uuid';
import { type OwnerLock, takeOwnerLock } from '../adapters/file-log/owner-lock.ts';
import { openPorts, type Ports } from '../composition/compose.ts';
import type { PortSettings } from '../composition/settings.ts';
import { Fault } from '../domain/fault.ts';
import { defaultNamespaceRules, type NamespaceRule } from '../domain/namespace.ts';
import type { NoteSigner } from '../formats/note-key.ts';
import type { Rules } from '../intake/admit.ts';
import { loadAspectSchemas } from '../intake/aspect-schemas.ts';
import { loadEntityTypes } from '../intake/entity-types.ts';
import { shippedSchemas } from '../intake/schema-folder.ts';
import { projections } from '../projections/registry.ts';
import { freeClaims } from '../streams/claim.ts';
import type { TurnPoint } from '../streams/close-epoch.ts';
import { keepVkey } from '../streams/tree-signing.ts';
import type { Annal, PortPlace } from './annal.ts';
import type { AnnalConfig } from './config.ts';
import { fillByWorkers } from './fill-by-workers.ts';
import { openLog } from './open-log.ts';
import { runEpochs } from './run-epochs.ts';
import type { Log, Runtime, RuntimeOptions } from './runtime.ts';
import { settings } from './settings.ts';
import { signingKey } from './signing-key.ts';

export interface Roles {
  readonly archiver: boolean;
  readonly projector: boolean;
  readonly intake: boolean;
  /** Keeps places scanned; takes events in too, then. */
  readonly catalog?: boolean;
}

export const allRoles: Roles = { archiver: true, projector: true, intake: true };

/** A running Annal with all it holds; disposing drains it and frees the data folder. */
export interface OpenAnnal extends AsyncDisposable {
  readonly runtime: Runtime & Annal;
  readonly ports: Ports;
  /** Undefined where no port is embedded: then other processes may use the same data. */
  readonly lock: OwnerLock | undefined;
}

export interface OpenOptions {
  readonly config: AnnalConfig;
  readonly roles: Roles;
  readonly say: Log;
  /** Runs once the folder is ours and the ports are there, before the log is opened: sample, recovery. */
  readonly prepare?: (ports: Ports) => Promise<void>;
  readonly probes?: Pick<RuntimeOptions, 'archiveProbe' | 'projectProbe'> & {
    readonly turnProbe?: (point: TurnPoint) => void | Promise<void>;
  };
  /** How often to look at epochs, 5 s. */
  readonly epochLookMs?: number;
  /** Told of each read model that is built because none was there. */
  readonly onBuilt?: RuntimeOptions['onBuilt'];
}

/**
 * Takes the data folder (where a port is embedded), opens the ports and the log, and starts what `roles` ask for. Rejects
 * with `ALREADY_RUNNING`, and with the faults of the ports; nothing stays open then.
 */
export async function openAnnal(options: OpenOptions): Promise<OpenAnnal> {
  const { config, roles, say } = options;
  await using opening = new AsyncDisposableStack();
  const chosen = portSettings(config);
  const places = placesOf(chosen).filter(({ port }) => isUsed(port, roles));
  const lock = places.some(({ embedded }) => embedded)
    ? opening.use(takeOwnerLock(config.dataDir))
    : undefined;
  const ports = opening.use(await openPorts(chosen, (what, facts) => say('info', what, { ...facts })));
  await options.prepare?.(ports);
  const first = await openLog(ports, {
    name: config.name,
    partitions: config.partitions,
    newLogId: uuidV7,
  });
  const { log: id } = first.epochs[0]!;
  if (lock !== undefined && config.archive.kind === 'folder')
    await freeClaims(
      ports.archive.state,
      projections.map(({ definition }) => definition.projection),
    );
  const signer = await signerOf(options, lock, ports, id);
  const fillBy = fillByWorkers(chosen, id);
  const rules = roles.intake ? rulesOf(config) : undefined;
  const runtime = await runEpochs(options, { ports, places, first, signer, fillBy, rules, opening });
  const opened = opening.move();
  return { runtime, ports, lock, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

/** Who signs checkpoints and reports; the public key stands in the archive before the first checkpoint. */
async function signerOf(
  { config: { dataDir, signingKeyFile }, roles, say }: OpenOptions,
  lock: OwnerLock | undefined,
  { archive }: Ports,
  log: string,
): Promise<NoteSigner | undefined> {
  const signer = signingKey({
    file: signingKeyFile,
    dataDir: lock === undefined ? undefined : dataDir,
    name: `annal/${log}`,
  });
  if (!roles.archiver) return signer;
  if (signer === undefined) say('warn', 'archive unsigned', { setting: settings.signingKey.variable });
  else await keepVkey(archive.truth, signer);
  return signer;
}

/** Whether a process of these roles works with a port: the others it neither holds nor asks how they are. */
function isUsed(port: PortPlace['port'], { archiver, projector, intake }: Roles): boolean {
  if (port === 'registry') return intake || !(archiver || projector);
  if (port === 'read-model') return intake || projector || !archiver;
  return true;
}

/** What decides about an event besides the event itself. */
function rulesOf(config: AnnalConfig): Rules {
  const schemas = [shippedSchemas, ...(config.schemasDir === undefined ? [] : [config.schemasDir])];
  return {
    aspects: loadAspectSchemas(schemas),
    entityTypes: loadEntityTypes(schemas),
    namespaceRules: namespaceRules(config.namespaceRulesFile),
  };
}

/** Rules of a file, `[{"match": "<regular expression>", "namespace": "$1"}]`, before the default ones. */
export function namespaceRules(file: string | undefined): readonly NamespaceRule[] {
  if (file === undefined) return defaultNamespaceRules;
  const invalid = (what: string, cause?: unknown): Fault =>
    new Fault(
      'CONFIG_INVALID',
      { faults: [{ at: 'ANNAL_NAMESPACE_RULES', what: `${file}: ${what}` }] },
      cause,
    );
  let found: unknown;
  try {
    found = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw invalid('cannot be read as JSON', error);
  }
  if (!Array.isArray(found)) throw invalid('has to be an array of rules');
  const own = found.map((rule: unknown, at): NamespaceRule => {
    const { match, namespace } = (rule ?? {}) as { match?: unknown; namespace?: unknown };
    if (typeof match !== 'string' || typeof namespace !== 'string')
      throw invalid(`rule ${at} needs "match" and "namespace"`);
    try {
      return { match: new RegExp(match, 'u'), namespace };
    } catch (error) {
      throw invalid(`rule ${at}: "match" is no regular expression`, error);
    }
  });
  return [...own, ...defaultNamespaceRules];
}

/** Each port's adapter, with its place below the data folder where it is embedded. */
export function portSettings(config: AnnalConfig): PortSettings {
  const { dataDir, log, archive, registry, readModel } = config;
  return {
    log: log.kind === 'file' ? { ...log, dir: join(dataDir, 'log') } : log,
    archive:
      archive.kind === 'folder'
        ? { ...archive, dir: dataDir }
        : { kind: 'azure-blob', prefix: archive.prefix, ...archive.account },
    registry: registry.kind === 'embedded' ? { ...registry, dir: join(dataDir, 'registry') } : registry,
    readModel: readModel.kind === 'sqlite' ? { ...readModel, dir: join(dataDir, 'read') } : readModel,
  };
}

export function placesOf({ log, archive, registry, readModel }: PortSettings): readonly PortPlace[] {
  return [
    log.kind === 'file'
      ? { port: 'log', adapter: 'files', place: log.dir, embedded: true }
      : { port: 'log', adapter: 'Kafka', place: log.brokers.join(','), embedded: false },
    archive.kind === 'folder'
      ? { port: 'archive', adapter: 'folder', place: join(archive.dir, 'archive'), embedded: true }
      : { port: 'archive', adapter: 'Azure Blob', place: accountOf(archive), embedded: false },
    registry.kind === 'embedded'
      ? { port: 'registry', adapter: 'folder', place: registry.dir, embedded: true }
      : registry.kind === 'azure'
        ? { port: 'registry', adapter: 'Azure', place: `${registry.url}/${registry.group}`, embedded: false }
        : { port: 'registry', adapter: 'Confluent API', place: registry.url, embedded: false },
    readModel.kind === 'sqlite'
      ? { port: 'read-model', adapter: 'SQLite', place: readModel.dir, embedded: true }
      : { port: 'read-model', adapter: 'Elasticsearch', place: readModel.url, embedded: false },
  ];
}

/** A connection string holds a key: only the account's name is shown. */
function accountOf(archive: Extract<PortSettings['archive'], { kind: 'azure-blob' }>): string {
  if ('accountUrl' in archive) return `${archive.accountUrl} (${archive.prefix}-archive)`;
  const account = /(?:^|;)AccountName=([^;]+)/u.exec(archive.connectionString)?.[1] ?? 'development storage';
  return `${account} (${archive.prefix}-archive)`;
}
