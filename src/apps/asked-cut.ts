import { parseCut } from '../domain/cut.ts';
import { Fault } from '../domain/fault.ts';
import { parseMoment } from '../domain/moment.ts';
import type { AsOf } from '../streams/rebuild-plan.ts';

const asOfMax = 8_192;

/** A cut as it stands in an answer, or a moment as elsewhere. Throws `MOMENT_INVALID`. */
export function asOfIn(text: string | undefined, now: number): AsOf | undefined {
  if (text === undefined) return undefined;
  const cut = parseCut(text.slice(0, asOfMax).trim());
  if (cut !== undefined) return { cut };
  const moment = parseMoment(text, now);
  const given = text.slice(0, 64).toWellFormed();
  const refused = (reason: string): Fault =>
    new Fault('MOMENT_INVALID', { parameter: 'asOf', given, reason });
  if ('wrong' in moment) throw refused(moment.wrong);
  if ('position' in moment) throw refused('a position lies in one partition: name a cut or a time');
  if (moment.time > now) throw refused('it lies in the future');
  return moment;
}
