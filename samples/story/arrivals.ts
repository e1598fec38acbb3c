import { type Author, atTheCommandLine, atThePage, people, program, throughDataHub } from './authors.ts';
import { dayMs, hourMs, isoDay, utc } from './calendar.ts';
import {
  boards,
  containerOf,
  type Dataset,
  firstDatasets,
  laterFinance,
  loyaltyDatasets,
  type Platform,
  productOf,
  reports,
  strandsOf,
  trials,
} from './datasets.ts';
import { firstTags, marksOf, ownersOf } from './marks.ts';
import type { Act, Scribe } from './scribe.ts';
import {
  domainsValue,
  fieldValue,
  lineageValue,
  ownershipValue,
  present,
  propertiesValue,
  schemaValue,
  tagsValue,
  termsValue,
} from './values.ts';

const subTypes: Readonly<Record<Platform, string>> = {
  postgres: 'Table',
  kafka: 'Topic',
  hive: 'Table',
  'delta-lake': 'Table',
  file: 'File',
  looker: 'Dashboard',
};

/** The program that reads a platform and tells what it finds there. */
export const readerOf = (platform: Platform, time: number): Author => {
  const names: Readonly<Record<Platform, string>> = {
    postgres: 'postgres-reader',
    kafka: 'kafka-reader',
    hive: 'lakehouse-reader',
    'delta-lake': 'lakehouse-reader',
    file: 'lake-reader',
    looker: 'datahub',
  };
  const runId = `${platform}/${isoDay(time)}`;
  return platform === 'looker' ? throughDataHub(runId) : program(names[platform], runId);
};

/** How a dataset comes to be known: what its platform says of it. */
export function arrive(scribe: Scribe, of: Dataset): void {
  const { urn, platform, table, container } = of;
  const by = readerOf(platform, scribe.now());
  const strands = strandsOf(of);
  const texts = new Map(
    strands.map(({ from, to }) => [
      to.name,
      from[0]!.dataset.table.columns.find(({ name }) => name === from[0]!.column)?.text,
    ]),
  );
  const fields = table.columns.map((column) =>
    fieldValue(platform, column, column.text === '' ? (texts.get(column.name) ?? '') : column.text),
  );
  if (container !== undefined && !scribe.has(container, 'containerProperties'))
    arriveContainer(scribe, of, by);
  scribe.upsert(by, urn, 'datasetProperties', propertiesValue(of, { first_seen: isoDay(scribe.now()) }));
  scribe.upsert(by, urn, 'schemaMetadata', schemaValue(of, 1, fields));
  scribe.upsert(by, urn, 'status', present);
  if (container !== undefined) scribe.upsert(by, urn, 'container', { container });
  if (platform !== 'file') scribe.upsert(by, urn, 'subTypes', { typeNames: [subTypes[platform]] });
  if (strands.length === 0) return;
  scribe.upsert(
    by,
    urn,
    'upstreamLineage',
    lineageValue(of, strands, { time: scribe.now(), actor: by.actor }),
  );
}

const places: Readonly<Record<Platform, string>> = {
  postgres: 'Database',
  kafka: 'Topics',
  hive: 'Raw layer',
  'delta-lake': 'Curated layer',
  file: 'Shared files',
  looker: 'Dashboards',
};

function arriveContainer(scribe: Scribe, { platform, name, container }: Dataset, by: Author): void {
  const folders = name.split('.').slice(0, -1);
  const above =
    platform === 'file' && folders.length > 1 ? containerOf(platform, folders.join('.')) : undefined;
  const product = productOf(name);
  const value = {
    name: platform === 'file' ? folders.at(-1)! : `${product} on ${platform}`,
    qualifiedName: folders.join('.'),
    description: `${places[platform]} of the product ${product}.`,
  };
  scribe.upsert(by, container!, 'containerProperties', value);
  scribe.upsert(by, container!, 'status', present);
  if (above !== undefined) scribe.upsert(by, container!, 'container', { container: above });
}

/** What people add to a dataset once it is known: owners, domain, terms and tags. */
export function mark(scribe: Scribe, of: Dataset): void {
  const { urn, platform } = of;
  const by = atTheCommandLine(people.governance);
  const { domain, terms } = marksOf(of);
  const tags = firstTags(of);
  scribe.upsert(by, urn, 'ownership', ownershipValue(scribe.now(), people.governance, ...ownersOf(of)));
  scribe.upsert(by, urn, 'domains', domainsValue(domain));
  if (platform !== 'hive' && platform !== 'kafka')
    scribe.upsert(by, urn, 'glossaryTerms', termsValue(scribe.now(), people.governance, ...terms));
  if (tags.length > 0) scribe.upsert(by, urn, 'globalTags', tagsValue(...tags));
}

const comeAt = (at: number, markedAt: number, datasets: readonly Dataset[]): Act[] => [
  {
    at,
    tell: (scribe) => {
      for (const of of datasets) arrive(scribe, of);
    },
  },
  {
    at: markedAt,
    tell: (scribe) => {
      for (const of of datasets) mark(scribe, of);
    },
  },
];

const { postgres, kafka, hive, 'delta-lake': delta, file } = firstDatasets;
const trialFrom = utc('2026-03-02T14:00');

/** When which datasets come to be known. */
export const arrivals: readonly Act[] = [
  ...comeAt(utc('2025-04-01T08:00'), utc('2025-04-03T09:00'), postgres),
  ...comeAt(utc('2025-04-01T08:30'), utc('2025-04-03T09:20'), kafka),
  ...comeAt(utc('2025-04-01T09:00'), utc('2025-04-03T09:40'), hive),
  ...comeAt(utc('2025-04-01T10:20'), utc('2025-04-04T09:20'), file),
  ...comeAt(utc('2025-04-02T09:40'), utc('2025-04-04T09:00'), delta),
  ...comeAt(utc('2025-05-12T15:10'), utc('2025-05-13T08:15'), reports),
  ...laterFinance.flatMap((of, i) =>
    comeAt(utc('2025-06-16T10:00') + i * 7 * dayMs, utc('2025-06-17T08:00') + i * 7 * dayMs, [of]),
  ),
  ...comeAt(utc('2025-07-08T06:00'), utc('2025-07-09T08:30'), boards),
  ...comeAt(utc('2026-04-14T08:00'), utc('2026-04-15T09:00'), loyaltyDatasets),
  ...comeAt(trialFrom, trialFrom + hourMs, trials),
  {
    at: utc('2026-06-15T11:00'),
    tell(scribe) {
      for (const { urn } of trials) {
        scribe.upsert(atThePage(people.shopCatalogue), urn, 'globalTags', tagsValue('deprecated'));
        scribe.upsert(atThePage(people.shopCatalogue), urn, 'status', { removed: true });
      }
    },
  },
];
