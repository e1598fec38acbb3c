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

/**
 * What of an aspect's value may be kept: all, as it stands, unless it reports a run of an ingestion. A report that is no JSON
 * is passed on for its refusal.
 */
export function keptOf(aspect: string | null, value: Uint8Array): Uint8Array {
  if (aspect === null || !Object.hasOwn(keptOfRuns, aspect)) return value;
  if (judgeJson(value, { protoForbidden: true }) !== 'accept') return value;
  const report: unknown = JSON.parse(asBuffer(value).toString('utf8'));
  return Buffer.from(JSON.stringify(pick(report, keptOfRuns[aspect]!)));
}
