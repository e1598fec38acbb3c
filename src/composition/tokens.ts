import type { ServiceIdentifier } from 'inversify';
import type { ArchiveStore } from '../ports/archive.ts';
import type { Clock } from '../ports/clock.ts';
import type { LogHost } from '../ports/event-log.ts';
import type { ReadModel } from '../ports/read-model.ts';
import type { SchemaRegistry } from '../ports/schema-registry.ts';

/** One token a port. Composition modules bind them; only `openPorts` resolves them. */
export const tokens = {
  clock: Symbol.for('annal.clock') as ServiceIdentifier<Clock>,
  logHost: Symbol.for('annal.log-host') as ServiceIdentifier<LogHost>,
  archive: Symbol.for('annal.archive') as ServiceIdentifier<ArchiveStore>,
  registry: Symbol.for('annal.registry') as ServiceIdentifier<SchemaRegistry>,
  readModel: Symbol.for('annal.read-model') as ServiceIdentifier<ReadModel>,
} as const;
