import type { MetadataChangeEvent } from '../../src/domain/event.ts';
import { rootOf } from '../../src/formats/root.ts';
import type { ModelIndex } from '../../src/ports/read-model.ts';
import { entities } from '../../src/projections/entities.ts';
import { rebuild } from '../../src/streams/rebuild.ts';
import type { RebuildProgress } from '../../src/streams/rebuild-pace.ts';
import {
  type AsOf,
  planRebuild,
  type RebuildContext,
  type RebuildPlan,
} from '../../src/streams/rebuild-plan.ts';
import type { RebuildReport } from '../../src/streams/rebuild-report.ts';
import { anEvent } from './events.ts';
import { manyEvents, type World } from './world.ts';

export const tableUrn = (n: number): string =>
  `urn:li:dataset:(urn:li:dataPlatform:hive,shop.table_${n},PROD)`;

export const tableEvents = (count: number, from = 0): MetadataChangeEvent[] =>
  manyEvents(count, (n) => anEvent({ n: from + n, urn: tableUrn((from + n) % 7) }));

const perAppend = 5;

/** Appends and waits until the archive has it. */
export async function archiveEvents(world: World, events: readonly MetadataChangeEvent[]): Promise<void> {
  for (let first = 0; first < events.length; first += perAppend)
    await world.append(events.slice(first, first + perAppend));
  const archiver = world.archiver();
  await archiver.reach(await world.ends(), AbortSignal.timeout(20_000));
  await archiver.stop();
}

export interface RebuildAsked {
  readonly id?: string;
  readonly asOf?: AsOf;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: RebuildProgress, plan: RebuildPlan) => void;
}

/** Plans and rebuilds `entities`. */
export async function rebuildEntities(
  context: RebuildContext,
  asked: RebuildAsked = {},
): Promise<RebuildReport> {
  const {
    id = crypto.randomUUID(),
    signal = AbortSignal.timeout(20_000),
    onProgress = () => undefined,
  } = asked;
  const plan = await planRebuild(context, entities, asked.asOf);
  return rebuild(context, entities, plan, id, (progress) => onProgress(progress, plan), signal);
}

export async function rootOfIndex(index: ModelIndex): Promise<string> {
  const root = rootOf();
  for await (const documents of index.scan())
    for (const { id, version, body } of documents) root.add(id, version, body);
  return root.root();
}

export async function blobsBelow(world: World, prefix: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of world.store.state.list(prefix)) names.push(name);
  return names;
}
