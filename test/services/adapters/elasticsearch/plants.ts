import { engineId } from '../../../../src/adapters/elasticsearch/mapping.ts';
import type { ModelIndex } from '../../../../src/ports/read-model.ts';
import type { Plants } from '../../../contracts/plants.ts';
import { json } from './given.ts';

interface Stored {
  readonly _version: number;
  readonly _source: {
    readonly body: string | readonly [size: number, body: object];
    readonly fields?: object;
  };
}

/** A body as text, as which the adapter takes it as well. */
const textOf = ({ body }: Stored['_source']): string =>
  typeof body === 'string' ? body : JSON.stringify(body[1]);

/** Changes indexes of a prefix, past the adapter. */
export function elasticsearchPlants(prefix: string): Plants {
  const pathOf = ({ name }: ModelIndex): string => `/${prefix}-${name}`;
  const idOf = (id: string): string => encodeURIComponent(engineId(id));
  async function read(index: ModelIndex, id: string): Promise<Stored> {
    const stored: unknown = await json('GET', `${pathOf(index)}/_doc/${idOf(id)}`);
    return stored as Stored;
  }
  async function write(index: ModelIndex, id: string, source: object, version: number): Promise<void> {
    const query = `version=${version}&version_type=external_gte&refresh=true`;
    for (;;) {
      const answer = await json('PUT', `${pathOf(index)}/_doc/${idOf(id)}?${query}`, source);
      // A deletion is forgotten at the next tick of the engine's clock.
      if (answer.status === 409) continue;
      if ('error' in answer) throw new Error(JSON.stringify(answer));
      return;
    }
  }
  async function gone(index: ModelIndex, id: string): Promise<void> {
    await json('PUT', `${pathOf(index)}/_settings`, { index: { gc_deletes: '0s' } });
    await json('DELETE', `${pathOf(index)}/_doc/${idOf(id)}?refresh=true`);
  }
  return {
    async shape(index, field) {
      const { mappings } = (await json('GET', pathOf(index)))[`${prefix}-${index.name}`] as {
        mappings: { properties: { fields: { properties: Record<string, object> } } };
      };
      const before = mappings.properties.fields.properties[field]!;
      const properties = { [field]: { ...before, ignore_above: 2 } };
      await json('PUT', `${pathOf(index)}/_mapping`, { properties: { fields: { properties } } });
    },
    async lost(index, id) {
      const { _source, _version } = await read(index, id);
      await write(index, id, { ..._source, body: textOf(_source) }, _version);
    },
    async value(index, id, field) {
      const { _source, _version } = await read(index, id);
      await write(
        index,
        id,
        { ..._source, body: textOf(_source), fields: { ..._source.fields, [field]: 'planted' } },
        _version,
      );
    },
    gone,
    async body(index, id, change, version) {
      const { _source, _version } = await read(index, id);
      // An older write comes through once the engine has forgotten a deletion.
      if (version !== undefined && version < _version) await gone(index, id);
      await write(index, id, { ..._source, body: change(textOf(_source)) }, version ?? _version);
    },
  };
}
