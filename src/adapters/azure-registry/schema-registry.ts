import { Fault } from '../../domain/fault.ts';
import { canonicalSchema, refuseBreaking } from '../../formats/avro-compat.ts';
import type { RegisteredSchema, SchemaId, SchemaRegistry } from '../../ports/schema-registry.ts';
import { type AzureRegistrySettings, type AzureSchema, azureApi } from './client.ts';

/** Schemas never change behind their id; so many are remembered, and as many names. */
const remembered = 1_000;
/** What Azure takes for the name of a schema (its API, `schemaName`). */
const azureName = /^[A-Za-z0-9][^\\/$:]{0,49}$/u;
const isGuid = (id: SchemaId): id is string => typeof id === 'string' && /^[0-9a-f-]{32,36}$/i.test(id);

/**
 * A group of Azure Schema Registry. Its client has no call that names the newest version, and three forms of the list of
 * versions are documented: so versions, which count from 1 without holes (none can be removed alone), are looked for one by one.
 * It does not tell what it holds, either. Whether a schema breaks readers is judged here, for Azure has no call that only asks;
 * the group may be stricter. A schema's text comes as the client prints it.
 */
export function azureRegistry(settings: AzureRegistrySettings): SchemaRegistry {
  const { group } = settings;
  const place = `${settings.url.replace(/\/+$/, '')}/${group}`;
  const api = azureApi(settings);
  const byId = new Map<string, AzureSchema>();
  /** A version that is there, by name: the newest one is at or behind it. */
  const known = new Map<string, number>();

  function keep<K, V>(map: Map<K, V>, key: K, value: V): void {
    map.set(key, value);
    if (map.size > remembered) map.delete(map.keys().next().value!);
  }

  const noted = (found: AzureSchema | undefined): AzureSchema | undefined => {
    if (found !== undefined) keep(byId, found.id, found);
    return found;
  };

  const at = async (name: string, version: number): Promise<AzureSchema | undefined> =>
    azureName.test(name) ? noted(await api.byVersion(name, version)) : undefined;

  async function find(id: SchemaId): Promise<AzureSchema | undefined> {
    if (!isGuid(id)) return undefined;
    const lower = id.toLowerCase();
    return byId.get(lower) ?? noted(await api.byId(lower));
  }

  /** In steps that double, then by halves; 0 where there is none. */
  async function newest(name: string): Promise<number> {
    let there = known.get(name) ?? 0;
    let step = 1;
    while ((await at(name, there + step)) !== undefined) {
      there += step;
      step *= 2;
    }
    for (let beyond = there + step; beyond - there > 1; ) {
      const middle = Math.floor((there + beyond) / 2);
      if ((await at(name, middle)) === undefined) beyond = middle;
      else there = middle;
    }
    if (there > 0) keep(known, name, there);
    return there;
  }

  const registered = ({ id, name, version, text }: AzureSchema): RegisteredSchema => ({
    ref: { kind: 'azure', id },
    ...{ subject: name, version, schemaText: text },
  });

  async function all(name: string): Promise<RegisteredSchema[]> {
    const found: RegisteredSchema[] = [];
    for (let version = await newest(name); version > 0; version -= 1) {
      const one = await at(name, version);
      if (one !== undefined) found.push(registered(one));
    }
    return found;
  }

  return {
    kind: 'azure',
    place,
    async register(subject, schemaText) {
      const canonical = canonicalSchema(subject, schemaText);
      if (!azureName.test(subject)) {
        const reason =
          'Azure takes names of 1 to 50 characters that begin with a letter or digit, without \\ / $ :';
        throw new Fault('SCHEMA_INCOMPATIBLE', { subject, place, reason });
      }
      const exact = await api.registered(subject, schemaText);
      if (exact !== undefined) return { kind: 'azure', id: exact };
      const before = await all(subject);
      const same = before.find((one) => canonicalSchema(subject, one.schemaText) === canonical);
      if (same !== undefined) return same.ref;
      refuseBreaking(subject, schemaText, before);
      const answer = await api.register(subject, schemaText);
      if ('refused' in answer)
        throw new Fault('SCHEMA_INCOMPATIBLE', { subject, place, reason: answer.refused });
      return { kind: 'azure', id: answer.id };
    },
    lookup: async (id) => (await find(id))?.text,
    async subjects() {
      throw new Fault('REGISTRY_CANNOT_LIST', { place });
    },
    async versions(subject) {
      return Array.from({ length: await newest(subject) }, (_, i) => i + 1);
    },
    async version(subject, version) {
      const found = await at(subject, version);
      return found && registered(found);
    },
    async latest(subject) {
      const version = await newest(subject);
      const found = version === 0 ? undefined : await at(subject, version);
      return found && registered(found);
    },
    async places(id) {
      const found = await find(id);
      return found?.group === group ? [{ subject: found.name, version: found.version }] : [];
    },
    async [Symbol.asyncDispose]() {},
  };
}
