import type { FileTree, OpenFile } from '../../ports/file-tree.ts';
import type { FolderReader } from '../../ports/folder-reader.ts';
import type { Table, TableRefusal } from '../../ports/table-reader.ts';
import { readCheckpoint } from './delta-checkpoint.ts';
import { type GatheredFiles, noFiles, profileOf, takeFile, takeGathered } from './delta-files.ts';
import { actionsOf, type DeltaAction, type DeltaPlan, planDelta } from './delta-log.ts';
import { deltaColumns } from './delta-schema.ts';

/** More changed files than these since the checkpoint, or longer paths in all, and their content is not told. */
const pathsMax = 500_000;
const pathCharsMax = 64 * 1024 * 1024;
const schemaCharsMax = 8 * 1024 * 1024;
const shownMax = 256;
const logFolder = '_delta_log';

const malformed = (reason: string): TableRefusal => ({ refused: 'FILE_MALFORMED', reason });
const isObject = (node: unknown): node is DeltaAction =>
  typeof node === 'object' && node !== null && !Array.isArray(node);

/** What a log tells, gone through from its end: what was told first is the newest. */
interface DeltaState {
  metaData: DeltaAction | undefined;
  protocol: DeltaAction | undefined;
  /** Paths with a newer action than any that is still to come. */
  readonly seen: Set<string>;
  /** Of all paths that commits speak of. */
  pathChars: number;
  /** Undefined: too many, or named where they are not looked for. */
  files: GatheredFiles | undefined;
}

function takeAction(state: DeltaState, action: DeltaAction, here: Set<string>): void {
  const { metaData, protocol, add, remove, sidecar } = action;
  if (isObject(metaData)) state.metaData ??= metaData;
  if (isObject(protocol)) state.protocol ??= protocol;
  if (isObject(sidecar)) state.files = undefined;
  for (const file of [add, remove]) {
    if (!isObject(file) || typeof file.path !== 'string') continue;
    state.pathChars += file.path.length;
    if (state.seen.size + here.size >= pathsMax || state.pathChars > pathCharsMax) state.files = undefined;
    else here.add(file.path);
  }
  if (state.files === undefined || !isObject(add) || typeof add.path !== 'string') return;
  if (state.seen.has(add.path)) return;
  const removed = isObject(add.deletionVector) ? (add.deletionVector.cardinality ?? 0) : 0;
  takeFile(state.files, { bytes: add.size, stats: add.stats, removed });
}

/** Reads one file of actions, all of them older than those before. */
async function takeActions(
  tree: FileTree,
  path: string,
  state: DeltaState,
): Promise<TableRefusal | undefined> {
  await using file = await tree.open(path);
  // In one commit a path may be removed and added again with other rows hidden: both are of one age.
  const here = new Set<string>();
  for await (const read of actionsOf(file)) {
    if ('refusal' in read) return read.refusal;
    takeAction(state, read.action, here);
  }
  for (const path of here) state.seen.add(path);
  return undefined;
}

async function takeCheckpoint(
  tree: FileTree,
  paths: readonly string[],
  state: DeltaState,
): Promise<TableRefusal | undefined> {
  if (paths.every((path) => path.endsWith('.json'))) return takeActions(tree, paths[0]!, state);
  await using opened = new AsyncDisposableStack();
  const files: OpenFile[] = [];
  for (const path of paths) files.push(opened.use(await tree.open(path)));
  const found = await readCheckpoint(files, state.seen);
  if ('refused' in found) return found;
  state.metaData ??= found.metaData;
  state.protocol ??= found.protocol;
  if (found.files === undefined) state.files = undefined;
  else if (state.files !== undefined) takeGathered(state.files, found.files);
  return undefined;
}

function schemaIn({ schemaString }: DeltaAction): unknown {
  if (typeof schemaString !== 'string' || schemaString.length > schemaCharsMax) return undefined;
  try {
    return JSON.parse(schemaString);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

const texts = (list: unknown): string[] =>
  Array.isArray(list) ? list.filter((item): item is string => typeof item === 'string') : [];

function tableOf({ version }: DeltaPlan, { metaData, protocol, files }: DeltaState): Table | TableRefusal {
  if (metaData === undefined) return malformed('its log names no schema');
  const partitions = texts(metaData.partitionColumns);
  const found = deltaColumns(schemaIn(metaData), partitions);
  if (found === undefined) return malformed('its schema is none of a table');
  const { columns, problems } = found;
  if (columns.length === 0) return { refused: 'FILE_EMPTY', reason: 'it has no columns' };
  const shown = (key: string, value: unknown): (readonly [string, string])[] =>
    typeof value === 'string' && value !== '' ? [[key, value.slice(0, shownMax).toWellFormed()]] : [];
  return {
    ...{ format: 'delta', rows: 0, whole: true, stated: true, problems },
    columns: columns.map(({ physical, many, ...column }) => column),
    dialect: new Map([
      ['version', String(version)],
      ...shown('partitionColumns', partitions.join(',')),
      ...shown('tableId', metaData.id),
      ...shown('tableName', metaData.name),
      ...(Number.isInteger(protocol?.minReaderVersion)
        ? shown('minReaderVersion', String(protocol?.minReaderVersion))
        : []),
    ]),
    profile: files === undefined ? { columns: [] } : profileOf(files, columns),
  };
}

/**
 * A Delta table by its log: the newest whole checkpoint and each commit behind it, from the newest back, so that what is held is
 * the paths of those commits and never the table's. No data file is opened.
 */
export const deltaReader: FolderReader = {
  format: 'delta',
  marker: logFolder,
  async describe(tree, folder) {
    const log = folder === '' ? logFolder : `${folder}/${logFolder}`;
    const plan = planDelta(await tree.list(log));
    if ('refused' in plan) return plan;
    const state: DeltaState = {
      ...{ metaData: undefined, protocol: undefined },
      ...{ seen: new Set(), pathChars: 0, files: noFiles() },
    };
    for (const name of plan.commits) {
      const refusal = await takeActions(tree, `${log}/${name}`, state);
      if (refusal !== undefined) return refusal;
    }
    if (plan.checkpoint !== undefined) {
      const paths = plan.checkpoint.files.map((name) => `${log}/${name}`);
      const refusal = await takeCheckpoint(tree, paths, state);
      if (refusal !== undefined) return refusal;
    }
    return tableOf(plan, state);
  },
};
