import 'reflect-metadata';
import { Container, type ContainerModule } from 'inversify';
import type { ArchiveStore } from '../ports/archive.ts';
import type { Clock } from '../ports/clock.ts';
import type { LogHost } from '../ports/event-log.ts';
import type { ReadModel } from '../ports/read-model.ts';
import type { SchemaRegistry } from '../ports/schema-registry.ts';
import type { Notice } from './notice.ts';
import type { PortSettings } from './settings.ts';
import { system } from './system.ts';
import { tokens } from './tokens.ts';

/** Every port with the adapter that the settings chose. Disposing closes what was opened. */
export interface Ports extends AsyncDisposable {
  readonly clock: Clock;
  readonly logHost: LogHost;
  readonly archive: ArchiveStore;
  readonly registry: SchemaRegistry;
  readonly readModel: ReadModel;
}

/** A technology's module is imported only where a port asks for it: clients of Kafka, Azure, Elasticsearch are heavy. */
export async function modulesFor(settings: PortSettings, notice: Notice): Promise<ContainerModule[]> {
  const { log, archive, registry, readModel } = settings;
  return Promise.all([
    system(),
    log.kind === 'file'
      ? import('./file-log.ts').then(({ fileLog }) => fileLog(log, notice))
      : import('./kafka.ts').then(({ kafka }) => kafka(log, notice)),
    archive.kind === 'folder'
      ? import('./folder.ts').then(({ folder }) => folder(archive))
      : import('./azure-blob.ts').then(({ azureBlob }) => azureBlob(archive)),
    registry.kind === 'embedded'
      ? import('./embedded-registry.ts').then(({ registryInFolder }) => registryInFolder(registry))
      : registry.kind === 'azure'
        ? import('./azure-registry.ts').then(({ registryInGroup }) => registryInGroup(registry))
        : import('./confluent-registry.ts').then(({ registryAt }) => registryAt(registry)),
    readModel.kind === 'sqlite'
      ? import('./sqlite.ts').then(({ sqlite }) => sqlite(readModel))
      : import('./elasticsearch.ts').then(({ elasticsearch }) => elasticsearch(readModel)),
  ]);
}

/** Resolves every port. Nothing is connected before it is used. */
export async function openPorts(settings: PortSettings, notice: Notice): Promise<Ports> {
  const container = new Container();
  container.load(...(await modulesFor(settings, notice)));
  const ports = {
    clock: container.get(tokens.clock),
    logHost: container.get(tokens.logHost),
    archive: container.get(tokens.archive),
    registry: container.get(tokens.registry),
    readModel: container.get(tokens.readModel),
  };
  return {
    ...ports,
    async [Symbol.asyncDispose]() {
      await using stack = new AsyncDisposableStack();
      stack.use(ports.archive);
      stack.use(ports.registry);
      stack.use(ports.logHost);
      stack.use(ports.readModel);
    },
  };
}
