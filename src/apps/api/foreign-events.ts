import { Fault, faults } from '../../domain/fault.ts';
import type { Principal } from '../../domain/policy.ts';
import { urnFault } from '../../domain/urn.ts';
import type { IncomingEvent } from '../../intake/incoming-event.ts';
import type { Refusal } from '../../intake/refusal.ts';
import type { SubmitResult } from '../../intake/submit.ts';
import type { Annal } from '../annal.ts';
import type { Counts } from './metrics.ts';
import { type Problem, statusOf } from './problem.ts';

/** What somebody sent in a foreign dialect: an event, or why it is none, then of what as far as that was told. */
export type ForeignEvent =
  | { readonly event: IncomingEvent }
  | { readonly refusal: Refusal; readonly urn: string | null; readonly aspect: string | null };

/** Events given to intake at once: checking them holds up everything else in the process. */
const eventsAtOnceMax = 200;
const toldMax = 20;
const namedMax = 5;

/** Submits those that are events, in their order; one result for each of all. Rejects with INTAKE_ABSENT. */
export async function submitForeign(
  annal: Annal,
  sent: readonly ForeignEvent[],
  principal: Principal,
  counts: Counts,
): Promise<readonly SubmitResult[]> {
  const { intake } = annal;
  if (intake === undefined) throw new Fault('INTAKE_ABSENT');
  const events = sent.flatMap((one) => ('event' in one ? [one.event] : []));
  const taken: SubmitResult[] = [];
  for (let from = 0; from < events.length; from += eventsAtOnceMax)
    taken.push(...(await intake.submitEvents(events.slice(from, from + eventsAtOnceMax), principal)));
  let next = 0;
  const results = sent.map((one) => ('event' in one ? taken[next++]! : refusedOf(one)));
  const having = (status: SubmitResult['status']): number =>
    results.filter((result) => result.status === status).length;
  counts.appended(having('appended'));
  counts.refused(having('refused'));
  counts.unknown(having('unknown'));
  return results;
}

const refusedOf = ({ refusal, urn }: Extract<ForeignEvent, { readonly refusal: Refusal }>): SubmitResult => ({
  status: 'refused',
  ...refusal,
  ...(urn === null || urnFault(urn) !== undefined ? {} : { urn }),
});

/** Whether sending the same again may help. */
const isAway = (result: SubmitResult): boolean =>
  result.status === 'unknown' || (result.status === 'refused' && faults[result.code].remedy === 'retry');

type Missing = Exclude<SubmitResult, { readonly status: 'appended' }>;

/**
 * The one problem of a request of which not everything is in the log, for clients that know a request as done or failed and
 * nothing between; undefined: all is in it. What is away decides, for then the client tries again; else the first refusal.
 */
export function problemOfResults(
  results: readonly SubmitResult[],
  aspects: readonly (string | null)[],
): Problem | undefined {
  const missing = results.flatMap((result, index) =>
    result.status === 'appended' ? [] : [{ result, index, aspect: aspects[index] ?? null }],
  );
  const worst = missing.find(({ result }) => isAway(result)) ?? missing[0];
  if (worst === undefined) return undefined;
  const { code, detail } = worst.result;
  const told = missing.slice(0, toldMax).map(({ result, index, aspect }) => ({
    index,
    aspect,
    status: result.status,
    code: result.code,
    detail: result.detail,
    ...('pointer' in result ? { pointer: result.pointer } : {}),
    ...(result.urn === undefined ? {} : { urn: result.urn }),
    httpStatus: statusOf(result.code),
  }));
  const named = missing.slice(0, namedMax).map((one) => sentenceOf(one.result, one.aspect));
  const sentence =
    results.length === 1
      ? detail
      : `${missing.length} of ${results.length} are not in the log, the others are. ${named.join(' ')}`;
  return {
    code,
    detail: sentence,
    facts: { missing: told, appended: results.length - missing.length, refused: missing.length },
  };
}

const sentenceOf = ({ code, detail, urn }: Missing, aspect: string | null): string =>
  `${[code, aspect, urn].filter((part) => part !== null && part !== undefined).join(' ')}: ${detail}.`;
