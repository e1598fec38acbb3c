import { Fault } from '../../domain/fault.ts';
import type { ArchiveStore } from '../../ports/archive.ts';
import { projections } from '../../projections/registry.ts';
import { type Epoch, readEpochs } from '../../streams/epochs.ts';
import { laneSpans } from '../../streams/fold-history.ts';
import { archiveCut } from '../../streams/history-cut.ts';
import type { RebuildReport } from '../../streams/rebuild-report.ts';
import { counted, tableText } from './print.ts';
import type { Session } from './session.ts';

/** What a recovery will do, told before anything changes. */
export interface Plan {
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

/** The plan over an archive, and its last epoch. Rejects with `ARCHIVE_EMPTY`. */
export async function planOf(
  store: ArchiveStore,
  archive: string,
  into: string,
): Promise<{ readonly plan: Plan; readonly last: Epoch }> {
  const epochs = await readEpochs(store.truth);
  const last = epochs.at(-1);
  if (last === undefined) throw new Fault('ARCHIVE_EMPTY', { archive });
  const until = await archiveCut(store, epochs);
  let bytes = 0;
  for await (const found of store.truth.list('segments/')) bytes += found.bytes;
  for await (const found of store.state.list('tail/')) bytes += found.bytes;
  const plan = {
    ...{ archive, into, name: last.name, log: last.log, epochs: epochs.length },
    events: laneSpans({ epochs, until }).reduce((sum, { end }) => sum + end, 0),
    ...{ bytes, opens: last.epoch + 1 },
  };
  return { plan, last };
}

export async function showPlan(session: Session, plan: Plan): Promise<void> {
  const { archive, into, name, epochs, events, bytes, opens } = plan;
  const [many, large] = [events.toLocaleString('en'), bytes.toLocaleString('en')];
  const table = await tableText(
    session,
    ['LOG', 'EPOCHS', 'EVENTS', 'BYTES', 'FROM', 'INTO', 'GOES ON IN EPOCH'],
    [[name, String(epochs), many, large, archive, into, String(opens)]],
  );
  session.note(table.trimEnd());
}

/** Reports in the order of the registry: they come as they are finished. */
export const inOrder = (built: readonly RebuildReport[]): readonly RebuildReport[] =>
  projections.flatMap(({ definition }) =>
    built.filter(({ projection }) => projection === definition.projection),
  );

/** What was built, a line each; under `--output json` one document with the plan. */
export async function writeBuilt(
  session: Session,
  plan: Plan,
  built: readonly RebuildReport[],
): Promise<void> {
  if (session.output !== 'table') {
    await session.write(`${JSON.stringify({ ...plan, built: inOrder(built) })}\n`);
    return;
  }
  for (const { projection, events, documents, root } of inOrder(built))
    await session.write(
      `${projection}: ${counted(events, 'event')} into ${counted(documents, 'document')}, ` +
        `root read back = root of the fold ${root}\n`,
    );
}
