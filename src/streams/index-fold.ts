import { Fault } from '../domain/fault.ts';
import type { ModelIndex } from '../ports/read-model.ts';
import type { Projection } from '../projections/projection.ts';

/** Gives the projection whose code is kept under this hash (`ModelDefinition.bundle`); undefined where none is. */
export type KeptFold = (bundle: string) => Promise<Projection | undefined>;

/**
 * The fold that an index was made by, and the only one that may fold into it or be compared with it: this program's where
 * version and fold hash are the index's, else the one that is kept. Indexes of before note no fold hash: their version tells.
 * Rejects with `FOLD_NOT_KEPT`.
 */
export async function foldOfIndex(
  projection: Projection,
  { name: index, definition }: Pick<ModelIndex, 'name' | 'definition'>,
  keptFold: KeptFold | undefined,
): Promise<Projection> {
  const { projection: name, version: programVersion } = projection.definition;
  const { version: indexVersion, fold, bundle } = definition;
  if (isMadeBy(projection, definition)) return projection;
  const kept = bundle === undefined ? undefined : await keptFold?.(bundle);
  if (kept !== undefined && kept.definition.projection === name && isMadeBy(kept, definition)) return kept;
  const facts = { projection: name, index, indexVersion, programVersion };
  throw new Fault('FOLD_NOT_KEPT', {
    ...facts,
    ...(indexVersion === programVersion ? { reason: 'one number, two folds', fold } : {}),
    ...(bundle === undefined ? {} : { bundle }),
    run: `annal rebuild ${name}`,
  });
}

const isMadeBy = ({ definition, frozen }: Projection, { version, fold }: ModelIndex['definition']): boolean =>
  version === definition.version && (fold === undefined || fold === frozen);
