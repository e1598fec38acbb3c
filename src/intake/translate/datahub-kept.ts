import { asBuffer } from '../../formats/avro-bytes.ts';
import { judgeJson } from '../../formats/json-text.ts';

/** Members that are kept: all of it, or those named below it. */
interface Kept {
  readonly [member: string]: true | Kept;
}

/**
 * The reports that `datahub ingest` sends about its own runs. What is kept of them says what ran, when, and how it ended;
 * recipes, arguments, logs and reports hold whatever a configuration or a message held, credentials and sample values too.
 */
const keptOfRuns: Readonly<Record<string, Kept>> = {
  dataHubIngestionSourceInfo: {
    name: true,
    type: true,
    platform: true,
    schedule: true,
    config: { version: true, executorId: true },
  },
  dataHubExecutionRequestInput: {
    task: true,
    args: { version: true },
    executorId: true,
    source: true,
    requestedAt: true,
  },
  dataHubExecutionRequestResult: { status: true, startTimeMs: true, durationMs: true },
};

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The members of `value` that are kept, in their order. */
const pick = (value: unknown, kept: Kept): unknown =>
  isObject(value)
    ? Object.fromEntries(
        Object.entries(value).flatMap(([name, member]): [string, unknown][] => {
          const below = Object.hasOwn(kept, name) ? kept[name] : undefined;
          if (below === undefined) return [];
          return [[name, below === true ? member : pick(member, below)]];
        }),
      )
    : null;

/** Members of a column's profile that hold values as they stand in rows. */
const samples = new Set(['sampleValues', 'distinctValueFrequencies', 'quantiles', 'histogram']);

/** A profile without samples; undefined: it has none, and stays as it stands. */
function withoutSamples(profile: unknown): unknown {
  const columns = isObject(profile) ? profile.fieldProfiles : undefined;
  if (!isObject(profile) || !Array.isArray(columns)) return undefined;
  const holds = (column: unknown): boolean =>
    isObject(column) && Object.keys(column).some((name) => samples.has(name));
  if (!columns.some(holds)) return undefined;
  const fieldProfiles = columns.map((column: unknown) =>
    isObject(column)
      ? Object.fromEntries(Object.entries(column).filter(([name]) => !samples.has(name)))
      : column,
  );
  return { ...profile, fieldProfiles };
}

const isLookedInto = (aspect: string): boolean =>
  aspect === 'datasetProfile' || Object.hasOwn(keptOfRuns, aspect);

/**
 * What of an aspect's value may be kept: all, as it stands, unless it reports a run of an ingestion or holds samples of rows.
 * What is no JSON is passed on for its refusal.
 */
export function keptOf(aspect: string | null, value: Uint8Array): Uint8Array {
  if (aspect === null || !isLookedInto(aspect)) return value;
  if (judgeJson(value, { protoForbidden: true }) !== 'accept') return value;
  const given: unknown = JSON.parse(asBuffer(value).toString('utf8'));
  const kept = aspect === 'datasetProfile' ? withoutSamples(given) : pick(given, keptOfRuns[aspect]!);
  return kept === undefined ? value : Buffer.from(JSON.stringify(kept));
}
