import { isFault } from '../../domain/fault.ts';
import { partitionMax } from '../../domain/position.ts';
import type { FileTree } from '../../ports/file-tree.ts';
import { captureLayout, pathPatterns } from '../../streams/capture-files.ts';
import {
  type CapturePlan,
  type CaptureRequest,
  type CaptureWorld,
  planCapture,
} from '../../streams/import-capture.ts';
import { importInto } from '../capture-import.ts';
import { readConfig } from '../config.ts';
import { treeAt } from '../tree-at.ts';
import { confirm } from './confirm.ts';
import { exitCodes } from './exit-codes.ts';
import { usage } from './failure.ts';
import { counted, tableText } from './print.ts';
import { openProgress } from './progress.ts';
import { isSet, type Options, type Run, type Session, textOf } from './session.ts';

/** Imports what Event Hubs Capture wrote as the first epoch of a log that begins with it. */
export const run: Run = async (session, [from], options) => {
  const config = readConfig(session.io.env, { data: session.data });
  const tree = await treeAt(config, from!);
  const partitions = textOf(options, 'partitions');
  if (
    partitions !== undefined &&
    !(/^[1-9][0-9]{0,2}$/.test(partitions) && Number(partitions) <= partitionMax + 1)
  )
    throw usage(
      `--partitions ${JSON.stringify(partitions)}`,
      `Give a whole number from 1 to ${partitionMax + 1}.`,
    );
  const request: CaptureRequest = {
    place: tree.place,
    layout: layoutIn(options),
    partitions: partitions === undefined ? null : Number(partitions),
    asEvents: isSet(options, 'asEvents'),
    name: config.name,
  };
  const plan = await shown(session, tree, 'records read', (world) => planCapture(world, request));
  const planOnly = isSet(options, 'plan');
  if (planOnly) {
    await write(session, plan);
    return exitCodes.ok;
  }
  session.note((await planText(session, plan)).trimEnd());
  await confirm(
    session,
    `Import ${counted(recordsOf(plan), 'record')} as epoch 1 of ${config.name}?`,
    isSet(options, 'yes'),
  );
  const importing = (world: CaptureWorld) => importInto(config, request, world);
  const { epochs, signed } = await shown(session, tree, 'records imported', importing).catch(
    (error: unknown) => {
      if (session.io.signal.aborted) session.note('stopped; the same command goes on with what is there');
      throw error;
    },
  );
  const [first, next] = epochs;
  const told = {
    log: first!.log,
    name: first!.name,
    epoch: first!.epoch,
    opens: next!.epoch,
    ...planTold(plan),
  };
  await session.write(
    session.output === 'table'
      ? `${counted(recordsOf(plan), 'record')} are epoch ${first!.epoch} of ${first!.name}\n`
      : `${JSON.stringify(told)}\n`,
  );
  if (!signed)
    session.note('nobody signed: name a key in ANNAL_SIGNING_KEY_FILE, then `annal archive complete`');
  session.note(`imported: start as usual, the log goes on in epoch ${next!.epoch}`);
  return exitCodes.ok;
};

function layoutIn(options: Options): string {
  const layout = textOf(options, 'layout') ?? captureLayout;
  try {
    pathPatterns(layout);
  } catch (error) {
    if (!isFault(error, 'CAPTURE_INVALID')) throw error;
    throw usage(
      `--layout ${JSON.stringify(layout)}: ${error.facts.reason}`,
      `Give it as Capture has it, such as ${captureLayout}.`,
    );
  }
  return layout;
}

/** Does `work` while its records are counted; nothing is shown any more once somebody is asked. */
async function shown<Result>(
  session: Session,
  tree: FileTree,
  what: string,
  work: (world: CaptureWorld) => Promise<Result>,
): Promise<Result> {
  await using progress = await openProgress(session);
  const { signal } = session.io;
  return await work({ tree, signal, onProgress: (records) => progress.show(what, records, 0) });
}

const recordsOf = ({ lanes }: CapturePlan): number => lanes.reduce((sum, { records }) => sum + records, 0);

const totalsOf = ({ lanes }: CapturePlan) => {
  const outcomes: Record<string, number> = {};
  for (const lane of lanes)
    for (const [outcome, count] of Object.entries(lane.outcomes))
      outcomes[outcome] = (outcomes[outcome] ?? 0) + count;
  return { records: lanes.reduce((sum, { records }) => sum + records, 0), outcomes };
};

const planTold = (plan: CapturePlan) => ({ ...totalsOf(plan), ...plan });

async function write(session: Session, plan: CapturePlan): Promise<void> {
  if (session.output === 'table') await session.write(await planText(session, plan));
  else if (session.output === 'json') await session.write(`${JSON.stringify(planTold(plan))}\n`);
  else for (const lane of plan.lanes) await session.write(`${JSON.stringify(lane)}\n`);
}

const gapsTold = 5;

async function planText(session: Session, plan: CapturePlan): Promise<string> {
  const count = (value: number): string => value.toLocaleString('en');
  const table = await tableText(
    session,
    ['PARTITION', 'FILES', 'RECORDS', 'NEXT', 'REPEATED', 'NO TIME', 'GAPS'],
    plan.lanes.map(({ partition, files, records, next, repeated, withoutTime, gaps }) => [
      ...[partition, files, records].map(count),
      String(next),
      ...[repeated, withoutTime].map(count),
      gaps
        .slice(0, gapsTold)
        .map(({ first, next: end }) => `${first}-${end - 1}`)
        .join(' ') + (gaps.length > gapsTold ? ` … ${gaps.length} in all` : gaps.length === 0 ? '-' : ''),
    ]),
  );
  const { records, outcomes } = totalsOf(plan);
  const quarantined = Object.entries(outcomes).filter(([outcome]) => outcome !== 'event');
  const lines = quarantined.map(
    ([outcome, many]) => `${count(many)} of ${count(records)} will be ${outcome}\n`,
  );
  const advice =
    (outcomes.foreign ?? 0) > 0
      ? 'foreign: no intake of this log wrote them; --as-events takes those that are events as its own\n'
      : '';
  return table + lines.join('') + advice;
}
