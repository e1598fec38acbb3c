import { resolve } from 'node:path';
import type { HttpAccess, KafkaAccess } from '../composition/settings.ts';
import { Fault } from '../domain/fault.ts';
import { inboxOf } from '../streams/archive-names.ts';
import type { DriftLimits } from '../streams/drift.ts';
import { accessFaults, elasticsearchAccessOf, kafkaAccessOf, registryOf } from './access.ts';
import { type CatalogConfig, catalogFaults, catalogOf } from './catalog-config.ts';
import { type DatahubTopic, datahubFaults, datahubTopicOf } from './datahub-settings.ts';
import { hidden, shown, unknownVariables } from './given-texts.ts';
import type { Setting } from './setting-texts.ts';
import { type SettingName, settings } from './settings.ts';

/** What one process does: `all` in the embedded profile and wherever one process is enough. */
export type Role = 'all' | 'archiver' | 'projector' | 'api' | 'catalog';

export interface ConfigFlags {
  readonly data?: string | undefined;
  readonly port?: string | undefined;
  readonly partitions?: string | undefined;
  /** Default `all`. */
  readonly role?: Role | undefined;
}

/** Everything a process of Annal is told, read once. Each port is its own choice. */
export interface AnnalConfig {
  readonly role: Role;
  /** Absolute. */
  readonly dataDir: string;
  /** `portFirm`: somebody asked for this port, so no other will do. */
  readonly http: { readonly bind: string; readonly port: number; readonly portFirm: boolean };
  readonly tokensFile: string | undefined;
  /** Name of the log; topics are `<name>.e<n>`. */
  readonly name: string;
  /** Of an epoch that is opened. */
  readonly partitions: number;
  readonly log:
    | { readonly kind: 'file' }
    | {
        readonly kind: 'kafka';
        readonly brokers: readonly string[];
        readonly retentionMs: number;
        readonly sessionTimeoutMs: number;
        readonly access: KafkaAccess;
      };
  readonly registry:
    | { readonly kind: 'embedded' }
    | { readonly kind: 'confluent'; readonly url: string; readonly access: HttpAccess }
    | { readonly kind: 'azure'; readonly url: string; readonly group: string };
  readonly archive:
    | { readonly kind: 'folder' }
    | {
        readonly kind: 'azure-blob';
        readonly account: { readonly connectionString: string } | { readonly accountUrl: string };
        readonly prefix: string;
      };
  readonly readModel:
    | { readonly kind: 'sqlite' }
    | {
        readonly kind: 'elasticsearch';
        readonly url: string;
        readonly prefix: string;
        readonly access: HttpAccess;
      };
  /** Absolute. */
  readonly schemasDir: string | undefined;
  /** Absolute. */
  readonly namespaceRulesFile: string | undefined;
  /** Absolute. */
  readonly signingKeyFile: string | undefined;
  /** Taken from DataHub without a schema, by topic and by HTTP; `*` = all; undefined: those of a technical kind. */
  readonly datahubAspects: readonly string[] | undefined;
  /** Undefined: no bridge. */
  readonly datahub: DatahubTopic | undefined;
  readonly datahubSnapshots: DatahubTopic | undefined;
  /** Undefined: no bridge. */
  readonly inbox: { readonly topic: string; readonly source: string } | undefined;
  readonly catalog: CatalogConfig;
  readonly archiveLimits: {
    readonly flushBytes: number;
    readonly flushMs: number;
    readonly sealBytes: number;
    readonly sealMs: number;
  };
  /** See `watchLog`. */
  readonly stallMs: number;
  /** Checks of read models in the background. */
  readonly drift: DriftLimits;
  /** Between being told to stop and stopping. */
  readonly graceMs: number;
  readonly logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent';
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** One line of `annal config explain`. */
export interface Explained {
  readonly variable: string;
  readonly flag: string | undefined;
  /** As given, `(set, not shown)` for a secret, null when there is none. */
  readonly value: string | null;
  readonly source: 'default' | 'environment' | 'flag';
  readonly about: string;
  /** What is wrong with it. */
  readonly fault: string | undefined;
}

export interface ConfigFault {
  /** The variable or flag. */
  readonly at: string;
  readonly what: string;
}

/** What was given, well. */
export type Values = { readonly [N in SettingName]?: ReturnType<(typeof settings)[N]['parse']['parse']> };

interface Read {
  readonly values: Values;
  readonly explained: ReadonlyMap<SettingName, Explained>;
  readonly faults: readonly ConfigFault[];
}

/**
 * The configuration, or `CONFIG_INVALID` with every fault at once in `faults` (`{at, what}`): unknown `ANNAL_*` variables
 * with the nearest known one, values of the wrong form, values that contradict each other or that this role cannot work
 * with. No value of a secret appears in a fault. Empty variables count as unset.
 */
export function readConfig(env: Environment, flags: ConfigFlags = {}): AnnalConfig {
  const { values, faults } = readAll(env, flags);
  if (faults.length > 0) throw new Fault('CONFIG_INVALID', { faults });
  return assemble(values, flags, env);
}

/** Every setting with its value and where that came from; works with faults in it, which it shows. */
export function explainConfig(
  env: Environment,
  flags: ConfigFlags = {},
): { readonly settings: readonly Explained[]; readonly faults: readonly ConfigFault[] } {
  const { explained, faults } = readAll(env, flags);
  const lines = [...explained.values()].map((line) => ({
    ...line,
    fault: faults.find(({ at }) => at === line.variable || at === line.flag)?.what,
  }));
  return { settings: lines, faults };
}

function readAll(env: Environment, flags: ConfigFlags): Read {
  const values: Record<string, unknown> = {};
  const explained = new Map<SettingName, Explained>();
  const faults: ConfigFault[] = unknownVariables(env);
  for (const [key, entry] of Object.entries(settings)) {
    const name = key as SettingName;
    const { variable, flag, about, fallback, secret, parse }: Setting<unknown> = entry;
    const { text, source } = given(name, variable, fallback, env, flags);
    const parsed = text === undefined ? undefined : parse.safeParse(text);
    const isHidden = secret === true || (secret === 'if wrong' && parsed?.success === false);
    const value = text === undefined ? null : isHidden ? hidden : shown(text);
    explained.set(name, { variable, flag, value, source, about, fault: undefined });
    if (parsed === undefined) continue;
    if (parsed.success) values[name] = parsed.data;
    else {
      const at = source === 'flag' && flag !== undefined ? flag : variable;
      const what = parsed.error.issues.map((issue) => issue.message).join('; ');
      faults.push({ at, what: isHidden ? what : `${what}, not ${JSON.stringify(shown(text!))}` });
    }
  }
  const set: IsSet = (...names) => names.some((name) => explained.get(name)?.value !== null);
  faults.push(
    ...contradictions(values, set),
    ...accessFaults(values, set),
    ...missingFor(flags.role ?? 'all', set),
    ...catalogFaults(values, flags.role, set),
  );
  return { values, explained, faults };
}

function given(
  name: SettingName,
  variable: string,
  fallback: string | undefined,
  env: Environment,
  flags: ConfigFlags,
): { text: string | undefined; source: Explained['source'] } {
  const flag = name === 'data' || name === 'port' || name === 'partitions' ? flags[name] : undefined;
  if (flag !== undefined) return { text: flag, source: 'flag' };
  const found = env[variable];
  if (found !== undefined && found !== '') return { text: found, source: 'environment' };
  return { text: fallback, source: 'default' };
}

/** Whether any of these was given at all, well or badly. */
export type IsSet = (...names: readonly SettingName[]) => boolean;

const loopback = /^(?:localhost|127(?:\.[0-9]{1,3}){3}|::1)$/;

function contradictions(values: Values, set: IsSet): ConfigFault[] {
  const faults: ConfigFault[] = [];
  const refuse = (at: string, what: string): void => void faults.push({ at, what });
  if (values.bind !== undefined && !loopback.test(values.bind) && !set('tokensFile'))
    refuse('ANNAL_BIND', 'listens beyond this machine, which needs ANNAL_TOKENS_FILE');
  if (set('blobConnectionString') && set('blobAccountUrl'))
    refuse('ANNAL_BLOB_ACCOUNT_URL', 'and ANNAL_BLOB_CONNECTION_STRING are both set; one of them says where');
  if ((values.flushBytes ?? 0) > (values.sealBytes ?? Number.POSITIVE_INFINITY))
    refuse('ANNAL_ARCHIVE_FLUSH_BYTES', 'is more than ANNAL_ARCHIVE_SEAL_BYTES');
  const kafka = set('kafkaBrokers');
  if (!kafka && values.inbox === 'on') refuse('ANNAL_INBOX', 'needs ANNAL_KAFKA_BROKERS');
  faults.push(...datahubFaults(values, set));
  return faults;
}

/** What a process that shares its work with others cannot do without. */
function missingFor(role: Role, set: IsSet): ConfigFault[] {
  if (role === 'all') return [];
  const what = `is missing: \`annal run ${role}\` shares it with other processes, and the data folder is of one`;
  return [
    ...(set('kafkaBrokers') ? [] : [{ at: 'ANNAL_KAFKA_BROKERS', what }]),
    ...(set('blobConnectionString', 'blobAccountUrl')
      ? []
      : [{ at: 'ANNAL_BLOB_CONNECTION_STRING', what: `or ANNAL_BLOB_ACCOUNT_URL ${what}` }]),
    ...(role === 'archiver' || set('elasticsearchUrl') ? [] : [{ at: 'ANNAL_ELASTICSEARCH_URL', what }]),
  ];
}

const hourMs = 3_600_000;
/** Nothing is checked while everybody starts, or in a process that does not last. */
const driftTimes = { firstMs: hourMs, lookMs: 60_000 };

function assemble(values: Values, flags: ConfigFlags, env: Environment): AnnalConfig {
  const sure = values as Required<Values>;
  const path = (text: string | undefined): string | undefined =>
    text === undefined ? undefined : resolve(text);
  return {
    role: flags.role ?? 'all',
    dataDir: resolve(sure.data),
    http: {
      bind: sure.bind,
      port: sure.port,
      portFirm: flags.port !== undefined || (env[settings.port.variable] ?? '') !== '',
    },
    tokensFile: path(values.tokensFile),
    name: sure.topic,
    partitions: sure.partitions,
    log:
      values.kafkaBrokers === undefined
        ? { kind: 'file' }
        : {
            kind: 'kafka',
            brokers: values.kafkaBrokers,
            retentionMs: sure.kafkaRetentionHours * hourMs,
            sessionTimeoutMs: sure.kafkaSessionSeconds * 1_000,
            access: kafkaAccessOf(values),
          },
    registry: registryOf(values),
    archive: archiveOf(values, sure.blobPrefix),
    readModel:
      values.elasticsearchUrl === undefined
        ? { kind: 'sqlite' }
        : {
            kind: 'elasticsearch',
            url: values.elasticsearchUrl,
            prefix: sure.elasticsearchPrefix,
            access: elasticsearchAccessOf(values),
          },
    schemasDir: path(values.schemasDir),
    namespaceRulesFile: path(values.namespaceRules),
    signingKeyFile: path(values.signingKey),
    datahubAspects: (values.datahubAspects ?? []).length === 0 ? undefined : values.datahubAspects,
    datahub: datahubTopicOf(values, 'datahubTopic'),
    datahubSnapshots: datahubTopicOf(values, 'datahubSnapshotsTopic'),
    inbox: sure.inbox === 'on' ? { topic: inboxOf(sure.topic), source: sure.inboxSource } : undefined,
    catalog: catalogOf(values),
    archiveLimits: {
      flushBytes: sure.flushBytes,
      flushMs: sure.flushSeconds * 1_000,
      sealBytes: sure.sealBytes,
      sealMs: sure.sealHours * hourMs,
    },
    stallMs: sure.laneStallSeconds * 1_000,
    drift: { documentsPerSecond: sure.driftRate, everyMs: sure.driftHours * hourMs, ...driftTimes },
    graceMs: sure.graceSeconds * 1_000,
    logLevel: sure.logLevel,
  };
}

function archiveOf(values: Values, prefix: string): AnnalConfig['archive'] {
  if (values.blobConnectionString !== undefined)
    return { kind: 'azure-blob', account: { connectionString: values.blobConnectionString }, prefix };
  if (values.blobAccountUrl !== undefined)
    return { kind: 'azure-blob', account: { accountUrl: values.blobAccountUrl }, prefix };
  return { kind: 'folder' };
}
