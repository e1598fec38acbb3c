import { seeded } from '../../adapters/file-log/seeded.ts';
import { urnOf } from './events.ts';

export interface Sent {
  readonly id: string;
  readonly urn: string;
  readonly aspect?: string;
  readonly change?: string;
  readonly value?: unknown;
  readonly expect?: string;
}

/** What the API answered for one event. */
export interface Acknowledged {
  readonly event: Sent;
  readonly position: string;
}

const aspects = {
  datasetProperties: (n: number) => ({
    name: `table ${n % 97}`,
    description: `as of change ${n}`,
    customProperties: { n: String(n) },
  }),
  ownership: (n: number) => ({ owners: [{ owner: `urn:li:corpGroup:g${n % 11}`, type: 'DATAOWNER' }] }),
  globalTags: (n: number) => ({ tags: [{ tag: `urn:li:tag:t${n % 13}` }] }),
} as const;
const names = Object.keys(aspects) as (keyof typeof aspects)[];

const patches = (n: number): readonly object[] =>
  [
    [{ op: 'add', path: '/description', value: `patched ${n}` }],
    [{ op: 'replace', path: '/description', value: 'replaced' }],
    [{ op: 'remove', path: '/description' }],
    [
      { op: 'test', path: '/name', value: 'table 1' },
      { op: 'add', path: '/customProperties', value: { patched: String(n) } },
    ],
  ][n % 4]!;

/**
 * Events of many kinds over few entities, so that they meet: changes, patches that fit and that do not, deletions of aspects
 * and of entities, conditions that hold and that do not, and the same event again. `acknowledged` are those known by now.
 */
export function traffic(seed: number, entities: number) {
  const random = seeded(seed);
  let made = 0;
  const newId = (): string =>
    `${seed.toString(16).padStart(8, '0')}-0000-4000-8000-${(made++).toString(16).padStart(12, '0')}`;
  return {
    next(acknowledged: readonly Acknowledged[]): Sent {
      const n = made;
      const known = acknowledged.length === 0 ? undefined : acknowledged[random.below(acknowledged.length)];
      const recent = acknowledged.at(-1 - random.below(200));
      if (recent !== undefined && random.chance(0.01)) return recent.event;
      const urn = urnOf(`t${random.below(entities)}`);
      const aspect = names[random.below(names.length)]!;
      if (random.chance(0.01)) return { id: newId(), urn, change: 'DELETE' };
      if (random.chance(0.04)) return { id: newId(), urn, aspect, change: 'DELETE' };
      if (random.chance(0.08))
        return { id: newId(), urn, aspect: 'datasetProperties', change: 'PATCH', value: patches(n) };
      const value = aspects[aspect](n);
      if (random.chance(0.03)) return { id: newId(), urn, aspect, value, expect: 'absent' };
      if (known?.event.aspect !== undefined && random.chance(0.05)) {
        const of = known.event as Sent & { aspect: keyof typeof aspects };
        const fresh = aspects[of.aspect](n);
        return { id: newId(), urn: of.urn, aspect: of.aspect, value: fresh, expect: known.position };
      }
      return { id: newId(), urn, aspect, value };
    },
  };
}
