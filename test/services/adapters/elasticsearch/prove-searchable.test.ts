import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { elasticsearchReadModel } from '../../../../src/adapters/elasticsearch/read-model.ts';
import type { ReadModel } from '../../../../src/ports/read-model.ts';
import { entities } from '../../../../src/projections/entities.ts';
import {
  fill,
  filledIndex,
  type ProofGiven,
  proven,
  searchProofLaws,
} from '../../../contracts/search-proof.ts';
import { elasticsearchUrl, json, ownPrefix } from './given.ts';
import { elasticsearchPlants } from './plants.ts';

describe('Elasticsearch', () => {
  const place = ownPrefix();
  let model: ReadModel | undefined;
  beforeAll(() => {
    model = elasticsearchReadModel({ url: elasticsearchUrl(), prefix: place.prefix });
  });
  afterAll(async () => {
    await model?.[Symbol.asyncDispose]();
    await place[Symbol.asyncDispose]();
  });
  const given = (): ProofGiven => ({ model: model!, plant: elasticsearchPlants(place.prefix) });
  searchProofLaws(given);

  /** What somebody's template gives to each new index of the prefix. */
  async function withTemplate(template: object, work: () => Promise<void>): Promise<void> {
    const path = `/_index_template/${place.prefix}`;
    const body = { index_patterns: [`${place.prefix}-*`], priority: 900, template };
    expect(await json('PUT', path, body)).toEqual({ acknowledged: true });
    try {
      await work();
    } finally {
      await json('DELETE', path);
    }
  }

  test('a template that cuts long values off is found, by the shape and by what was ignored', async () => {
    const settings = { index: { mapping: { ignore_above: 20 } } };
    await withTemplate({ settings }, async () => {
      const { named } = await proven(await filledIndex(given(), 30, 'cut'));
      const where = expect.stringContaining('/settings/index/mapping');
      expect(named).toContainEqual({ what: 'shape', id: null, field: where });
      expect(new Set(named.map(({ what }) => what))).toEqual(new Set(['shape', 'ignored', 'term']));
    });
  });

  test('a wrong analyser is found, by the shape and by terms that find nothing', async () => {
    const index = await model!.create(entities.definition, 'analysed');
    const physical = `/${place.prefix}-${index.name}`;
    const info = (await json('GET', physical))[physical.slice(1)] as {
      mappings: { properties: { fields: { properties: object } } };
      aliases: object;
    };
    const { fields } = info.mappings.properties;
    const analysed = { ...fields.properties, words: { type: 'text', analyzer: 'simple' } };
    const properties = { ...info.mappings.properties, fields: { ...fields, properties: analysed } };
    await json('DELETE', physical);
    await json('PUT', physical, { aliases: info.aliases, mappings: { ...info.mappings, properties } });
    await fill(index, 30);
    const { named } = await proven(index);
    const where = expect.stringContaining('/mappings/properties/fields/properties/words');
    expect(named).toContainEqual({ what: 'shape', id: null, field: where });
    const unfound = named.filter(({ what }) => what === 'term');
    expect(new Set(unfound.map(({ field }) => field))).toEqual(new Set(['words']));
  });
});
