import { existsSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { folderArchive } from '../../adapters/folder/archive-store.ts';
import { Fault } from '../../domain/fault.ts';
import { readEpochs } from '../../streams/epochs.ts';
import { laneSpans } from '../../streams/fold-history.ts';
import { archiveCut, type RebuildReport } from '../../streams/rebuild.ts';
import { type AnnalConfig, readConfig } from '../config.ts';
import { adopt } from '../sample.ts';
import { confirm } from './confirm.ts';
import { exitCodes } from './exit-codes.ts';
import { Failure } from './failure.ts';
import { openHere } from './in-process.ts';
import { counted, tableText } from './print.ts';
import { openProgress } from './progress.ts';
import { isSet, type Run, type Session } from './session.ts';

interface Plan {
  readonly archive: string;
  readonly into: string;
  readonly name: string;
  readonly log: string;
  readonly epochs: number;
  readonly events: number;
  readonly bytes: number;
  /** The epoch that live appends will open. */
  readonly opens: number;
}

/** Brings a log and its read models back from a copy of its archive. Read models are proven, as in a rebuild. */
export const run: Run = async (session, [archive = ''], options) => {
  const config = readConfig(session.io.env, { data: session.data });
  const from = folderOf(archive);
  const plan = await planOf(from, config);
  refuseFull(config);
  await showPlan(session, plan);
  await confirm(session, `Recover ${plan.name} into ${config.dataDir}?`, isSet(options, 'yes'));
  const built: RebuildReport[] = [];
  await using progress = await openProgress(session);
  {
    await using _ = await openHere(session, config, {
      settled: true,
      onBuilt: (report) => built.push(report),
      prepare: (ports) =>
        adopt(ports, config, { from, log: null }, (blobs) => progress.show('copying blobs', blobs, 0)),
    });
  }
  if (session.output === 'table')
    for (const { projection, events, documents, root } of built)
      await session.write(
        `${projection}: ${counted(events, 'event')} into ${counted(documents, 'document')}, root read back = root of the fold ${root}\n`,
      );
  else await session.write(`${JSON.stringify({ ...plan, built })}\n`);
  if (built.length === 0)
    throw new Failure({
      code: 'MODEL_UNAVAILABLE',
      detail: 'the archive is there, but no read model was built',
    });
  session.note(`recovered: \`annal start --data ${config.dataDir}\` goes on in epoch ${plan.opens}`);
  return exitCodes.ok;
};

/** The folder that holds `archive` and `state`; `archive` itself may be named as well. */
function folderOf(given: string): string {
  const path = resolve(given);
  if (existsSync(join(path, 'archive', 'epochs'))) return path;
  if (basename(path) === 'archive' && existsSync(join(path, 'epochs'))) return dirname(path);
  throw new Fault('ARCHIVE_EMPTY', { archive: path });
}

async function planOf(from: string, { dataDir }: AnnalConfig): Promise<Plan> {
  await using source = folderArchive({ dir: from });
  const epochs = await readEpochs(source.truth);
  const last = epochs.at(-1);
  if (last === undefined) throw new Fault('ARCHIVE_EMPTY', { archive: from });
  const until = await archiveCut(source, epochs);
  let bytes = 0;
  for await (const found of source.truth.list('segments/')) bytes += found.bytes;
  for await (const found of source.state.list('tail/')) bytes += found.bytes;
  return {
    archive: from,
    into: dataDir,
    name: last.name,
    log: last.log,
    epochs: epochs.length,
    events: laneSpans({ epochs, until }).reduce((sum, { end }) => sum + end, 0),
    bytes,
    opens: last.epoch + 1,
  };
}

/** An adoption that a crash left unfinished has no epochs yet: it may go on. */
function refuseFull({ archive, dataDir }: AnnalConfig): void {
  if (archive.kind !== 'folder')
    throw new Failure(
      {
        code: 'CONFIG_INVALID',
        detail: 'recover copies an archive into a data folder, and ANNAL_BLOB_… names another place',
        doThis: 'Unset it; an archive that is in place needs no copying: start with a new log beside it.',
      },
      exitCodes.usage,
    );
  if (existsSync(join(dataDir, 'archive', 'epochs'))) throw new Fault('DATA_NOT_EMPTY', { folder: dataDir });
}

async function showPlan(session: Session, plan: Plan): Promise<void> {
  const { archive, into, name, epochs, events, bytes, opens } = plan;
  const table = await tableText(
    session,
    ['LOG', 'EPOCHS', 'EVENTS', 'BYTES', 'FROM', 'INTO', 'GOES ON IN EPOCH'],
    [
      [
        name,
        String(epochs),
        events.toLocaleString('en'),
        bytes.toLocaleString('en'),
        archive,
        into,
        String(opens),
      ],
    ],
  );
  session.note(table.trimEnd());
}
