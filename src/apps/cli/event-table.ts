import { tableText, utc } from './print.ts';
import type { Session } from './session.ts';

/** An event as `/v1/events` and an entity's history tell it. */
export interface ToldEvent {
  readonly position: string;
  readonly time: number;
  readonly urn: string | null;
  readonly aspect?: string | null;
  readonly change?: string;
  readonly actor?: string;
  readonly recordedBy?: string;
  readonly outcome?: string;
  readonly reason?: string;
  readonly duplicateOf?: string;
}

const outcomeOf = ({ outcome = '', reason, duplicateOf }: ToldEvent): string => {
  const more = duplicateOf === undefined ? reason : `of ${duplicateOf}`;
  return more === undefined ? outcome : `${outcome} (${more})`;
};

/** Events as lines for people, one an event. */
export const eventTable = (
  session: Session,
  events: readonly ToldEvent[],
  withUrn: boolean,
): Promise<string> =>
  tableText(
    session,
    ['TIME', 'POSITION', 'CHANGE', 'ASPECT', 'OUTCOME', 'BY', ...(withUrn ? ['URN'] : [])],
    events.map((event) => [
      utc(event.time),
      event.position,
      event.change ?? '-',
      event.aspect === null ? '(whole entity)' : (event.aspect ?? '-'),
      outcomeOf(event),
      event.actor ?? event.recordedBy ?? '-',
      ...(withUrn ? [event.urn ?? '-'] : []),
    ]),
  );
