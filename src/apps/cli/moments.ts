import { faults } from '../../domain/fault.ts';
import { formatTime, parseMoment } from '../../domain/moment.ts';
import { formatPosition } from '../../domain/position.ts';
import { Failure } from './failure.ts';
import { type Options, type Session, textOf } from './session.ts';

/**
 * The moment that option `name` says, as the API takes it: `2h` becomes the time it means now, so that every page of an
 * answer means the same. Throws `MOMENT_INVALID`.
 */
export function momentOf(options: Options, name: string, flag: string): string | undefined {
  const text = textOf(options, name);
  if (text === undefined) return undefined;
  const moment = parseMoment(text, Date.now());
  if ('time' in moment) return formatTime(moment.time);
  if ('position' in moment) return `@${formatPosition(moment.position)}`;
  const { about, doThis } = faults.MOMENT_INVALID;
  const detail = `${about} (${flag} ${JSON.stringify(text)}, ${moment.wrong})`;
  throw new Failure({ code: 'MOMENT_INVALID', detail, doThis });
}

/** The range that an answer says it was read in. */
export interface Range {
  readonly since: string | null;
  readonly until: string | null;
}

/** Tells the range that is read, so that `2h` can be written down. */
export function echoRange(session: Session, { since, until }: Range): void {
  if (since === null && until === null) return;
  const end = until === null ? 'now' : `before ${until}`;
  session.note(`from ${since ?? 'the beginning'} until ${end} (UTC, by append time)`);
}
