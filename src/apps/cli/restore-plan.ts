import { formatCut } from '../../domain/cut.ts';
import type { MissingOffsets } from '../../streams/missing-offsets.ts';
import type { RestorePlan } from '../../streams/restore-plan.ts';
import { counted, tableText, utc } from './print.ts';
import type { Session } from './session.ts';

const count = (number: number): string => number.toLocaleString('en');
const missingTold = 20;

/** Holes and gaps, and the offsets in them. */
export function missingCounts(missing: readonly MissingOffsets[]) {
  const offsets = (kind: MissingOffsets['kind']): number =>
    missing.reduce((sum, range) => sum + (range.kind === kind ? range.next - range.first : 0), 0);
  const ranges = (kind: MissingOffsets['kind']): number =>
    missing.filter((range) => range.kind === kind).length;
  return {
    holes: { ranges: ranges('hole'), offsets: offsets('hole') },
    gaps: { ranges: ranges('gap'), offsets: offsets('gap') },
  };
}

/** A plan as `--output json` tells it. */
export const planTold = ({ resumes, until, k: _, ...plan }: RestorePlan) => ({
  ...plan,
  until: formatCut(until),
  ...missingCounts(plan.missing),
  resumes: resumes === null ? null : { topic: resumes.job.topic, startedAt: resumes.job.startedAt },
});

/** A table of what it takes, and below it what is worth knowing. */
export async function restorePlanText(session: Session, plan: RestorePlan): Promise<string> {
  const { topic, partitions, epochs, events, segments, bytes, until } = plan;
  const table = await tableText(
    session,
    ['TOPIC', 'PARTITIONS', 'EPOCHS', 'EVENTS', 'SEGMENTS', 'BYTES', 'UNTIL'],
    [[topic, String(partitions), String(epochs), ...[events, segments, bytes].map(count), formatCut(until)]],
  );
  return table + remarks(plan).join('');
}

function remarks({ topic, resumes, byKey, passedOver, partitions, missing }: RestorePlan): string[] {
  const gone = resumes === null ? [] : [`goes on with ${topic}, begun ${utc(resumes.job.startedAt)}\n`];
  const keyed = byKey.map(
    (epoch) => `epoch ${epoch} has not ${counted(partitions, 'partition')}: its events go by key\n`,
  );
  const passed = passedOver.map((other) => `${other} holds records of no run on record: passed over\n`);
  const told = missing.slice(0, missingTold).map(({ kind, epoch, partition, first, next }) => {
    const why = kind === 'gap' ? 'were lost before they were archived' : 'the log never gave';
    return `${kind}: offsets ${first} to ${next - 1} of ${epoch}-${partition} ${why}\n`;
  });
  const more = missing.length - told.length;
  return [
    ...gone,
    ...keyed,
    ...passed,
    ...told,
    ...(more > 0 ? [`… and ${more} more holes and gaps\n`] : []),
  ];
}
