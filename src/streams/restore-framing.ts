import { eventSchemaSha256 } from '../formats/event.ts';
import type { TruthStore } from '../ports/archive.ts';
import type { SchemaRegistry } from '../ports/schema-registry.ts';
import { hasIntakeHeaders } from '../projections/read-record.ts';
import { schemaName, subjectOf } from './archive-names.ts';
import type { Placed } from './restore-walk.ts';

const schemaHeader = Buffer.from('annal-schema');
const sha256Text = /^[0-9a-f]{64}$/u;
/** Names in headers are anybody's: so many are remembered, then they are forgotten. */
const knownMax = 1_000;

/** SHA-256 of the schema that a record names, once; undefined where it names none or several. */
function schemaOf({ position, view }: Placed): string | undefined {
  if (hasIntakeHeaders(view, position.epoch)) return eventSchemaSha256;
  const named = view.headers.filter(([name]) => schemaHeader.equals(name));
  const text = named.length === 1 ? Buffer.from(named[0]![1] ?? []).toString('latin1') : '';
  return sha256Text.test(text) ? text : undefined;
}

/**
 * Under which id readers find the schema of a record at the registry that is configured now: the schema's text, which the
 * archive holds, is registered there where it is not. Undefined for a record without framing, for one whose schema the
 * archive has not, and where the registry's ids do not fit into a value: such a record keeps the framing it had. Rejects with
 * the faults of the registry.
 */
export function registryIds(
  truth: TruthStore,
  registry: SchemaRegistry,
  name: string,
): (placed: Placed) => Promise<number | undefined> | undefined {
  const known = new Map<string, Promise<number | undefined>>();
  const lookUp = async (sha256: string): Promise<number | undefined> => {
    const text = await truth.read(schemaName(sha256));
    if (text === undefined) return undefined;
    const ref = await registry.register(subjectOf(name), text.toString('utf8'));
    return ref.kind === 'confluent' ? ref.id : undefined;
  };
  return (placed) => {
    const { view } = placed;
    const isFramed =
      view.valueStart >= 0 && view.valueEnd > view.valueStart && view.block[view.valueStart] === 0;
    const sha256 = isFramed ? schemaOf(placed) : undefined;
    if (sha256 === undefined) return undefined;
    if (known.size > knownMax) known.clear();
    const found = known.get(sha256) ?? lookUp(sha256);
    known.set(sha256, found);
    return found;
  };
}
