import { describe, expect, test } from 'vitest';
import { exceptions, faultOf, homes, moduleLoaders, pluginHomes, shippedReaders } from './import-rules.ts';
import { type Import, importsOf } from './imports.ts';
import { paths, read, typescript } from './tree.ts';

const imports: readonly Import[] = typescript('src', 'plugins').flatMap(importsOf);
const exists = (path: string): boolean => paths.has(path);
const told = (found: Import, fault: string): string =>
  `${found.from}:${found.line} ${found.specifier ?? ''}: ${fault}`;

/** Faults of one planted file. */
const planted = (path: string, text: string): string[] =>
  importsOf({ path, text }).flatMap((found) => faultOf(found, () => true) ?? []);

/** Files that import one another by value, as one of their rings. */
function ring(edges: readonly Import[]): readonly string[] | undefined {
  const next = new Map<string, string[]>();
  for (const { from, target, typeOnly } of edges)
    if (target !== undefined && !typeOnly) next.set(from, [...(next.get(from) ?? []), target]);
  const done = new Set<string>();
  function visit(at: string, way: readonly string[]): readonly string[] | undefined {
    if (way.includes(at)) return [...way.slice(way.indexOf(at)), at];
    if (done.has(at)) return undefined;
    for (const to of next.get(at) ?? []) {
      const found = visit(to, [...way, at]);
      if (found !== undefined) return found;
    }
    done.add(at);
    return undefined;
  }
  for (const from of next.keys()) {
    const found = visit(from, []);
    if (found !== undefined) return found;
  }
  return undefined;
}

describe('imports', () => {
  test('point one way, and each library stays at home', () => {
    const faults = imports.flatMap((found) => {
      const fault = faultOf(found, exists);
      return fault === undefined ? [] : [told(found, fault)];
    });
    expect(faults).toEqual([]);
    expect(imports.length).toBeGreaterThan(500);
  });

  test('make no ring', () => {
    expect(ring(imports)).toBeUndefined();
  });

  test('every runtime dependency has a home, and is imported there', () => {
    const { dependencies } = JSON.parse(read('package.json')) as { dependencies: Record<string, string> };
    expect(Object.keys(homes).sort()).toEqual(Object.keys(dependencies).sort());
    const used = new Set(imports.map(({ library }) => library));
    expect(Object.keys(dependencies).filter((library) => !used.has(library))).toEqual([]);
  });

  test('what a plugin depends on stands in its own package.json, and is imported by it alone', () => {
    const own = [...paths]
      .flatMap((path) => /^plugins\/([^/]+)\/package\.json$/.exec(path)?.[1] ?? [])
      .flatMap((plugin) => {
        const { dependencies = {} } = JSON.parse(read(`plugins/${plugin}/package.json`)) as {
          dependencies?: Record<string, string>;
        };
        return Object.keys(dependencies).map((library) => [library, [`plugins/${plugin}/`]] as const);
      });
    expect(Object.fromEntries(own)).toEqual(pluginHomes);
    const used = new Set(imports.map(({ library }) => library));
    expect(own.filter(([library]) => !used.has(library))).toEqual([]);
  });

  test('no exception outlives its need', () => {
    const unused = exceptions.filter(
      ({ from, to }) => !imports.some((found) => found.from.startsWith(from) && found.target === to),
    );
    expect(unused).toEqual([]);
    expect([...shippedReaders, ...moduleLoaders].filter((path) => !exists(path))).toEqual([]);
  });
});

describe('a planted violation is rejected', () => {
  const cases: readonly (readonly [why: string, path: string, text: string])[] = [
    ['the domain sees a format', 'src/domain/urn.ts', "import { leafHash } from '../formats/leaf.ts';"],
    ['a format sees a port', 'src/formats/leaf.ts', "import type { Lane } from '../ports/event-log.ts';"],
    [
      'a port sees a projection',
      'src/ports/clock.ts',
      "import { entities } from '../projections/entities.ts';",
    ],
    [
      'a projection sees a stream',
      'src/projections/history.ts',
      "import { drain } from '../streams/drain.ts';",
    ],
    ['a stream sees intake', 'src/streams/drain.ts', "import { gate } from '../intake/gate.ts';"],
    ['intake sees a stream', 'src/intake/gate.ts', "import { drain } from '../streams/drain.ts';"],
    [
      'a stream sees an adapter',
      'src/streams/drain.ts',
      "import { kafkaLog } from '../adapters/kafka/log.ts';",
    ],
    [
      'an adapter sees a stream',
      'src/adapters/kafka/log.ts',
      "import { drain } from '../../streams/drain.ts';",
    ],
    ['an adapter sees another', 'src/adapters/kafka/log.ts', "import { x } from '../sqlite/tables.ts';"],
    ['an app sees an adapter', 'src/apps/runtime.ts', "import { kafkaLog } from '../adapters/kafka/log.ts';"],
    ['composition sees an app', 'src/composition/compose.ts', "import { x } from '../apps/annal.ts';"],
    ['the product sees its tests', 'src/apps/annal.ts', "import { x } from '../../test/given/annal.ts';"],
    ['a side effect', 'src/domain/urn.ts', "import '../streams/drain.ts';"],
    ['a type', 'src/domain/urn.ts', "type X = import('../ports/clock.ts').Clock;"],
    ['a re-export', 'src/domain/urn.ts', "export { leafHash } from '../formats/leaf.ts';"],
    ['a dynamic import', 'src/domain/urn.ts', "const x = await import('../formats/leaf.ts');"],
    [
      'a worker',
      'src/domain/urn.ts',
      "new Worker(new URL('../adapters/sqlite/worker.ts', import.meta.url));",
    ],
    ['a computed name', 'src/apps/runtime.ts', 'const x = await import(name);'],
    ['a computed require', 'src/adapters/kafka/kafkajs.ts', 'const x = require(name);'],
    ['RxJS in a projection', 'src/projections/history.ts', "import { map } from 'rxjs';"],
    ['RxJS in an app', 'src/apps/runtime.ts', "import { of } from 'rxjs/operators';"],
    ['kafkajs in a stream', 'src/streams/drain.ts', "import type { Kafka } from 'kafkajs';"],
    ['kafkajs by require', 'src/apps/runtime.ts', "const kafka = require('kafkajs/src/protocol/encoder');"],
    ['kafkajs at load', 'src/apps/runtime.ts', "const kafka = await import('kafkajs');"],
    ['inversify in an app', 'src/apps/runtime.ts', "import { Container } from 'inversify';"],
    ['metadata of decorators', 'src/apps/runtime.ts', "import 'reflect-metadata';"],
    [
      'SQLite beside its adapter',
      'src/adapters/folder/state.ts',
      "import { DatabaseSync } from 'node:sqlite';",
    ],
    ['an unknown package', 'src/apps/runtime.ts', "import _ from 'lodash';"],
    ['a file in a pure room', 'src/projections/history.ts', "import { readFileSync } from 'node:fs';"],
    ['the network in a stream', 'src/streams/drain.ts', "import net from 'node:net';"],
    [
      'a plugin inside the product',
      'plugins/example/main.ts',
      "import { x } from '../../src/domain/urn.ts';",
    ],
    ['a plugin with a library', 'plugins/example/main.ts', "import { Kafka } from 'kafkajs';"],
    ["a plugin with another one's library", 'plugins/example/main.ts', "import pg from 'pg';"],
    ['the library of a plugin in the product', 'src/apps/runtime.ts', "import pg from 'pg';"],
  ];
  test.each(cases)('%s', (_, path, text) => {
    expect(planted(path, text)).toHaveLength(1);
  });

  test('a ring', () => {
    const files = [
      { path: 'src/domain/a.ts', text: "import { b } from './b.ts';" },
      { path: 'src/domain/b.ts', text: "import { c } from './c.ts';" },
      { path: 'src/domain/c.ts', text: "import { a } from './a.ts';" },
    ];
    expect(ring(files.flatMap(importsOf))).toHaveLength(4);
    expect(ring(files.slice(0, 2).flatMap(importsOf))).toBeUndefined();
  });

  test('a file that is not there', () => {
    const [found] = importsOf({ path: 'src/domain/urn.ts', text: "import { x } from './nowhere.ts';" });
    expect(faultOf(found!, exists)).toBe('there is no src/domain/nowhere.ts');
  });
});
