import type { RebuildPlan } from '../../streams/rebuild-plan.ts';
import { timeText } from './operations.ts';
import { tableText, utc } from './print.ts';
import type { Session } from './session.ts';

/** A plan as the API tells it. */
export type Plan = Omit<RebuildPlan, 'until'> & { readonly until: string };

const count = (number: number): string => number.toLocaleString('en');

/** A table of what it takes, and below it what becomes of what is there. */
export async function planText(session: Session, plans: readonly Plan[]): Promise<string> {
  const table = await tableText(
    session,
    [
      'PROJECTION',
      'VERSION',
      'EVENTS',
      'BYTES',
      'SEGMENTS',
      'DOCUMENTS',
      'TIME',
      'BLOB READS',
      'UNTIL',
      'REPLACES',
    ],
    plans.map((plan) => [
      plan.projection,
      String(plan.version),
      count(plan.events),
      count(plan.bytes),
      count(plan.segments),
      plan.documents === null ? 'unknown' : `~${count(plan.documents)}`,
      plan.estimatedMs === null ? 'unknown until one has run' : `~${timeText(plan.estimatedMs)}`,
      `${count(plan.blobs.reads)} read + ${count(plan.blobs.lists)} list`,
      plan.until,
      plan.kind === 'as-of' ? 'nothing: it stands beside' : (plan.replaces ?? '-'),
    ]),
  );
  return (
    table +
    plans
      .flatMap(consequences)
      .map((line) => `${line}\n`)
      .join('')
  );
}

function consequences({ projection, replaces, drops, resumes, discards }: Plan): string[] {
  return [
    ...(resumes === null
      ? []
      : [
          `${projection}: goes on with ${resumes.id}, begun ${utc(resumes.startedAt)}, at its step ${resumes.step}`,
        ]),
    ...(discards === null
      ? []
      : [`${projection}: clears away ${discards}, which was left and is another one`]),
    ...(replaces === null ? [] : [`${projection}: keeps ${replaces} for \`annal rollback\``]),
    ...(drops === null ? [] : [`${projection}: drops ${drops}, which is kept now`]),
  ];
}

/** A command line as somebody would type it here, with where it was asked. */
export function shellLine({ data, url }: Session, words: readonly string[]): string {
  const where = [
    ...(data === undefined ? [] : ['--data', data]),
    ...(url === undefined ? [] : ['--url', url]),
  ];
  const quoted = (word: string): string =>
    /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
  return ['annal', ...words, ...where].map(quoted).join(' ');
}
