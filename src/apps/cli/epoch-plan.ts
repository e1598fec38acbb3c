import type { TurnPlan, TurnReport, TurnRequest } from '../epoch-turn.ts';
import { usage } from './failure.ts';
import { counted, tableText } from './print.ts';
import { isSet, type Options, type Session, textOf } from './session.ts';

/** What the words of `annal epoch close` and `open` ask for. */
export function turnRequestOf(action: TurnRequest['action'], options: Options): TurnRequest {
  const [after, partitions] = [numberOf(options, 'after', 511), numberOf(options, 'partitions', 512)];
  return {
    action,
    ...(after === undefined ? {} : { after }),
    ...(partitions === undefined ? {} : { partitions }),
    ...(isSet(options, 'lost') ? { lost: true } : {}),
  };
}

function numberOf(options: Options, name: string, max: number): number | undefined {
  const text = textOf(options, name);
  if (text === undefined) return undefined;
  const value = /^[1-9][0-9]{0,2}$/.test(text) ? Number(text) : max + 1;
  if (value > max) throw usage(`--${name} ${JSON.stringify(text)} is no whole number from 1 to ${max}`);
  return value;
}

/** The plan goes to stderr, unless it is all that was asked for. */
export async function showTurnPlan(session: Session, plan: TurnPlan, isAll: boolean): Promise<void> {
  if (isAll && session.output !== 'table') {
    await session.write(`${JSON.stringify({ plan })}\n`);
    return;
  }
  const { epoch, topic, partitions, closed, opens, done, waitMs, lost } = plan;
  const table = await tableText(
    session,
    ['ENDS EPOCH', 'TOPIC', 'PARTITIONS', 'IS', 'OPENS EPOCH', 'TOPIC', 'PARTITIONS'],
    [
      [
        ...[String(epoch), topic, String(partitions), done ? 'ended' : closed ? 'closed' : 'open'],
        ...(opens === null ? ['-', '-', '-'] : [opens.epoch, opens.topic, opens.partitions].map(String)),
      ],
    ],
  );
  const lines = [
    table.trimEnd(),
    ...(done ? ['That is done: nothing is left to do.'] : []),
    ...(waitMs === 0 || done ? [] : [`Nothing is taken in for at least ${waitMs / 1_000} s.`]),
    ...(lost === null ? [] : lossLines(lost)),
  ];
  for (const line of lines)
    if (isAll) await session.write(`${line}\n`);
    else session.note(line);
}

const lossLines = ({ why, windowMs }: NonNullable<TurnPlan['lost']>): readonly string[] => [
  `${why}; stop every process of this log first.`,
  `What was acknowledged up to ${windowMs / 1_000} s before the loss and was not archived by then is lost.`,
];

/** The question before a turn. */
export const turnQuestion = ({ epoch, opens }: TurnPlan): string =>
  opens === null ? `Close epoch ${epoch} for good?` : `End epoch ${epoch} and open epoch ${opens.epoch}?`;

export async function writeReport(session: Session, report: TurnReport): Promise<void> {
  if (session.output !== 'table') {
    await session.write(`${JSON.stringify(report)}\n`);
    return;
  }
  const { epoch, end, events, lastAppendAt, opened } = report;
  const last = lastAppendAt === null ? '' : `, the last one of ${lastAppendAt}`;
  await session.write(`epoch ${epoch} ends at ${end}: ${counted(events, 'event')}${last}\n`);
  await session.write(
    opened === null
      ? 'it takes nothing in any more; `annal epoch open` opens the next one\n'
      : `epoch ${opened.epoch} is open: topic ${opened.topic} with ${counted(opened.partitions, 'partition')}\n`,
  );
}
