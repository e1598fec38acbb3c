import { resolve } from 'node:path';
import type { ConfigFault, IsSet, Role, Values } from './config.ts';
import { inBlobs } from './tree-at.ts';

/** A place that is kept scanned, and what its events call it. */
export interface CatalogPlace {
  readonly name: string;
  readonly place: string;
}

/** `name=place` with commas between them; a name once. */
export function catalogSources(text: string): readonly CatalogPlace[] | undefined {
  const places = text
    .split(',')
    .map((item) => /^\s*([^=\s][^=,]{0,127})=([^\0]{1,4096})$/u.exec(item.trim()));
  const found = places.flatMap((place) =>
    place === null ? [] : [{ name: place[1]!.trim(), place: place[2]!.trim() }],
  );
  const isWhole =
    found.length === places.length && new Set(found.map(({ name }) => name)).size === found.length;
  return isWhole ? found : undefined;
}

/** What is kept scanned; folders are absolute. */
export interface CatalogConfig {
  readonly sources: readonly CatalogPlace[];
  /** Between the end of a scan and the next one. */
  readonly everyMs: number;
}

export const catalogOf = ({ catalog = [], catalogSeconds }: Values): CatalogConfig => ({
  sources: catalog.map(({ name, place }) => ({ name, place: inBlobs(place) ? place : resolve(place) })),
  everyMs: catalogSeconds! * 1_000,
});

/** Blobs without an account to find them in; a part that has nothing to do. */
export function catalogFaults({ catalog }: Values, role: Role | undefined, set: IsSet): ConfigFault[] {
  const at = 'ANNAL_CATALOG';
  if (role === 'catalog' && !set('catalog')) return [{ at, what: 'is missing: it says what is scanned' }];
  const needs = catalog?.some(({ place }) => inBlobs(place)) === true;
  return needs && !set('blobConnectionString', 'blobAccountUrl')
    ? [{ at, what: 'names blobs, which needs ANNAL_BLOB_CONNECTION_STRING or ANNAL_BLOB_ACCOUNT_URL' }]
    : [];
}
