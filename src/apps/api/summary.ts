import { formatTime } from '../../domain/moment.ts';
import { entityName, ownersIn, platformOf, tagsIn } from '../../projections/search-fields.ts';

/** What a list of entities tells of one. */
export interface EntitySummary {
  readonly urn: string;
  readonly type: string;
  readonly name: string;
  readonly namespace: string;
  readonly platform: string;
  readonly description?: string;
  readonly owners: readonly string[];
  readonly tags: readonly string[];
  readonly position: string;
  readonly updatedAt: string;
}

interface EntityBody {
  readonly urn: string;
  readonly type: string;
  readonly namespace: string;
  readonly position: string;
  readonly time: number;
  readonly aspects: Readonly<Record<string, { readonly value?: unknown }>>;
}

const descriptionCharsMax = 240;
const listedMax = 20;

/** The summary of a live document of `entities`. Values are read here and never written again. */
export function summaryOf(body: Buffer): EntitySummary {
  const { urn, type, namespace, position, time, aspects } = JSON.parse(body.toString('utf8')) as EntityBody;
  const values = new Map(Object.entries(aspects).map(([aspect, { value }]) => [aspect, value as never]));
  const description = [...values.values()].map(descriptionIn).find((found) => found !== '');
  return {
    urn,
    type,
    name: entityName(urn, values),
    namespace,
    platform: platformOf(urn),
    ...(description === undefined ? {} : { description }),
    owners: ownersIn(values.get('ownership')).slice(0, listedMax),
    tags: tagsIn(values.get('globalTags')).slice(0, listedMax),
    position,
    updatedAt: formatTime(time),
  };
}

function descriptionIn(value: unknown): string {
  if (typeof value !== 'object' || value === null || !('description' in value)) return '';
  if (typeof value.description !== 'string') return '';
  return value.description.slice(0, descriptionCharsMax).toWellFormed();
}
