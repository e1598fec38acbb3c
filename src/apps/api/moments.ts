import type { FastifyRequest } from 'fastify';
import { Fault } from '../../domain/fault.ts';
import { formatTime, parseMoment } from '../../domain/moment.ts';
import { formatPosition, type Position } from '../../domain/position.ts';
import { eventId } from '../../projections/history.ts';
import type { Moment } from '../../projections/queries.ts';
import type { Annal } from '../annal.ts';
import { membersOf, textOf } from './answer.ts';
import { reading } from './reading.ts';
import { mayRead, readableBy } from './request.ts';

const aheadMaxMs = 60_000;

/**
 * The moment that a parameter names: its time, and its position where it was asked for by one. Throws `MOMENT_INVALID`,
 * also for the future, of which nothing is known; `EVENT_NOT_FOUND` for a position whose event the caller may not see.
 */
export async function resolveMoment(
  annal: Annal,
  request: FastifyRequest,
  parameter: string,
  text: string,
  now: number,
): Promise<Moment> {
  const asked = parseMoment(text, now);
  const refuse = (reason: string): never => {
    throw new Fault('MOMENT_INVALID', { parameter, given: text.slice(0, 64).toWellFormed(), reason });
  };
  if ('wrong' in asked) return refuse(asked.wrong);
  if ('time' in asked) return asked.time > now + aheadMaxMs ? refuse('it lies in the future') : asked;
  return { position: asked.position, time: await timeOf(annal, request, asked.position) };
}

async function timeOf(annal: Annal, request: FastifyRequest, position: Position): Promise<number> {
  const id = eventId(position);
  const found = await reading(annal, 'history', (index) => index.load([id]));
  const document = found.get(id);
  const members = document === undefined ? undefined : membersOf(document.body);
  if (members === undefined || !mayRead(readableBy(request), textOf(members, 'namespace')))
    throw new Fault('EVENT_NOT_FOUND', { position: formatPosition(position) });
  return Number(members.get('time'));
}

/** A moment as an answer names it. */
export const momentFacts = (moment: Moment): Record<string, string> => ({
  time: formatTime(moment.time),
  ...('position' in moment ? { position: formatPosition(moment.position) } : {}),
});
