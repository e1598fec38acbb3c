import type { Import } from './imports.ts';

/** Rooms from the inside out; each sees those before it. `streams` and `intake` stand side by side. */
const sees: Readonly<Record<string, readonly string[]>> = {
  domain: ['domain'],
  formats: ['domain', 'formats'],
  ports: ['domain', 'formats', 'ports'],
  projections: ['domain', 'formats', 'ports', 'projections'],
  streams: ['domain', 'formats', 'ports', 'projections', 'streams'],
  intake: ['domain', 'formats', 'ports', 'projections', 'intake'],
  adapters: ['domain', 'formats', 'ports'],
  composition: ['domain', 'formats', 'ports', 'projections', 'streams', 'intake', 'adapters', 'composition'],
  apps: ['domain', 'formats', 'ports', 'projections', 'streams', 'intake', 'composition', 'apps'],
  client: ['client'],
};

/** What may be seen besides, one file at a time, and why. */
export interface Exception {
  readonly from: string;
  readonly to: string;
  readonly because: string;
}

export const exceptions: readonly Exception[] = [
  ...['folder', 'embedded-registry'].map((adapter) => ({
    from: `src/adapters/${adapter}/`,
    to: 'src/adapters/file-log/disk.ts',
    because: 'the one place that calls the file system, so that one fake disk serves all tests of crashes',
  })),
  {
    from: 'src/apps/',
    to: 'src/adapters/file-log/owner-lock.ts',
    because: 'who owns a data folder is asked before any port is open',
  },
  {
    from: 'src/apps/',
    to: 'src/adapters/folder/archive-store.ts',
    because: 'an archive to be copied from is not the port of this process',
  },
  ...['local-files', 'registry', 'watch-folder'].map((file) => ({
    from: 'src/apps/',
    to: `src/adapters/scan/${file}.ts`,
    because: 'files are scanned where the command runs, whatever the ports of the server',
  })),
  ...[
    'domain/event',
    'domain/fault',
    'domain/position',
    'formats/event',
    'formats/framing',
    'formats/partition',
  ].map((file) => ({
    from: 'src/client/',
    to: `src/${file}.ts`,
    because: 'an event has one spelling, and codes one table: pure, and the same on both sides of the wire',
  })),
  {
    from: 'src/client/',
    to: 'src/formats/uuid8.ts',
    because: 'what a UUID is, is judged alike on both sides of the wire',
  },
  {
    from: 'src/client/',
    to: 'src/adapters/kafka/kafkajs.ts',
    because: 'kafkajs is loaded, pinned and mended in one place',
  },
];

/** Where each library may be imported: any file whose path begins so. Packages not listed may be imported nowhere. */
export const homes: Readonly<Record<string, readonly string[]>> = {
  '@azure/identity': ['src/adapters/azure-blob/', 'src/adapters/azure-identity/'],
  '@azure/schema-registry': ['src/adapters/azure-registry/'],
  '@azure/storage-blob': ['src/adapters/azure-blob/'],
  '@elastic/elasticsearch': ['src/adapters/elasticsearch/'],
  '@fastify/swagger': ['src/apps/api/'],
  '@kafkajs/confluent-schema-registry': ['src/adapters/confluent-registry/'],
  ajv: ['src/intake/'],
  'cli-progress': ['src/apps/cli/'],
  'cli-table3': ['src/apps/cli/'],
  commander: ['src/apps/cli/'],
  'csv-parse': ['src/adapters/scan/'],
  fastify: ['src/apps/'],
  'fastify-type-provider-zod': ['src/apps/api/'],
  hyparquet: ['src/adapters/scan/'],
  inversify: ['src/composition/'],
  kafkajs: ['src/adapters/kafka/'],
  pino: ['src/apps/'],
  'prom-client': ['src/apps/api/'],
  'reflect-metadata': ['src/composition/'],
  rxjs: ['src/streams/', 'src/client/'],
  uuid: ['src/apps/'],
  zod: ['src/apps/'],
};

/** What plugins bring along in a package.json of their own. Besides, a plugin may use any part of Node. */
export const pluginHomes: Readonly<Record<string, readonly string[]>> = {
  pg: ['plugins/postgres/'],
};

/** Parts of Node that only some may use. The others are for adapters and apps, and where `pureBuiltins` names them. */
const builtinHomes: Readonly<Record<string, readonly string[]>> = {
  'node:sqlite': ['src/adapters/sqlite/', 'src/adapters/file-log/owner-lock.ts'],
  'node:worker_threads': ['src/adapters/sqlite/', 'src/adapters/scan/', 'src/apps/fill-', 'src/apps/verify-'],
};

/** Parts of Node by room, for rooms that meet the world through ports. */
const roomBuiltins: Readonly<Record<string, readonly string[]>> = {
  domain: [],
  formats: ['node:buffer', 'node:crypto', 'node:util', 'node:zlib'],
  ports: [],
  projections: ['node:buffer'],
  streams: [],
  intake: ['node:crypto'],
  composition: [],
};

/** Files that read what ships with the program, when they are loaded or at start. */
export const shippedReaders: readonly string[] = [
  'src/formats/event.ts',
  'src/formats/record-view.ts',
  'src/intake/aspect-schemas.ts',
  'src/intake/entity-types.ts',
  'src/intake/schema-folder.ts',
];
/** Files that load a module whose name somebody gives: the code of a projection. */
export const moduleLoaders: readonly string[] = ['src/apps/load-module.ts'];
const shippedBuiltins = ['node:fs', 'node:path', 'node:url'];
/** Paths as text: no file is touched. */
const textPaths = ['src/intake/scan-names.ts'];

const roomOf = (path: string): string | undefined => /^src\/([a-z]+)\//.exec(path)?.[1];
const adapterOf = (path: string): string | undefined => /^src\/adapters\/([a-z-]+)\//.exec(path)?.[1];

const isWithin = (path: string, prefixes: readonly string[]): boolean =>
  prefixes.some((prefix) => path.startsWith(prefix));

const excepted = (from: string, to: string): boolean =>
  exceptions.some((exception) => from.startsWith(exception.from) && to === exception.to);

/** Why an import of a file below `src` or `plugins` may not stand there; undefined where it may. */
export function faultOf(found: Import, exists: (path: string) => boolean): string | undefined {
  if (found.specifier === null)
    return moduleLoaders.includes(found.from) ? undefined : 'a module whose name is computed';
  if (found.target !== undefined) return roomFault(found.from, found.target, exists);
  const library = found.library!;
  if (found.from.startsWith('plugins/')) {
    if (library.startsWith('node:') || isWithin(found.from, pluginHomes[library] ?? [])) return undefined;
    return `a plugin imports src/client only, not ${library}`;
  }
  return library.startsWith('node:') ? builtinFault(found.from, library) : libraryFault(found.from, library);
}

function roomFault(from: string, target: string, exists: (path: string) => boolean): string | undefined {
  if (!exists(target)) return `there is no ${target}`;
  if (from.startsWith('plugins/')) {
    const within = from.split('/').slice(0, 2).join('/');
    return isWithin(target, ['src/client/', `${within}/`]) ? undefined : 'a plugin imports src/client only';
  }
  const [own, room] = [roomOf(from), roomOf(target)];
  if (room === undefined) return `${target} is not below src`;
  if (own === undefined || sees[own] === undefined) return `${from} is in no room`;
  if (excepted(from, target)) return undefined;
  if (own === 'adapters' && room === 'adapters')
    return adapterOf(from) === adapterOf(target) ? undefined : 'an adapter does not see another one';
  return sees[own].includes(room) ? undefined : `${own} does not see ${room}`;
}

function builtinFault(from: string, builtin: string): string | undefined {
  const home = builtinHomes[builtin];
  if (home !== undefined)
    return isWithin(from, home) ? undefined : `${builtin} has its home in ${home.join(' ')}`;
  const room = roomOf(from) ?? '';
  const allowed = roomBuiltins[room];
  if (allowed === undefined || allowed.includes(builtin)) return undefined;
  if (shippedReaders.includes(from) && shippedBuiltins.includes(builtin)) return undefined;
  if (textPaths.includes(from) && builtin === 'node:path') return undefined;
  return `${room} does not use ${builtin}`;
}

function libraryFault(from: string, library: string): string | undefined {
  const home = homes[library];
  if (home === undefined) return `${library} has no home`;
  return isWithin(from, home) ? undefined : `${library} has its home in ${home.join(' ')}`;
}
