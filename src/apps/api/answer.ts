import type { FastifyReply } from 'fastify';
import { limits } from '../../domain/event.ts';
import { Fault } from '../../domain/fault.ts';
import { scanJson } from '../../formats/json-text.ts';
import { object } from './json-object.ts';

/** A member of an answer: its name and its JSON text, as stored or as made. */
export type Member = readonly [name: string, text: string];

export const jsonType = 'application/json; charset=utf-8';

/** An answer put together from JSON texts: what is stored comes out byte for byte. The cut stands last. */
export const sendMembers = (reply: FastifyReply, status: number, members: readonly Member[]): FastifyReply =>
  reply
    .code(status)
    .header('content-type', jsonType)
    .send(object([...members, ['cut', JSON.stringify(reply.request.cut)]]));

/** An answer of our own making: no value of an event in it. */
export const sendFacts = (
  reply: FastifyReply,
  status: number,
  facts: Readonly<Record<string, unknown>>,
): FastifyReply =>
  sendMembers(
    reply,
    status,
    Object.entries(facts)
      .filter(([, fact]) => fact !== undefined)
      .map(([name, fact]) => [name, JSON.stringify(fact)]),
  );

/** Members of a stored document as they stand in it. Throws `MODEL_CORRUPT` where it is no JSON object. */
export function membersOf(body: Buffer): Map<string, string> {
  const scanned = scanJson(body, { spanDepth: 1, depthMax: 2 * limits.jsonDepthMax, syntaxOnly: true });
  if (scanned.verdict !== 'accept' || scanned.root.members === undefined)
    throw new Fault('MODEL_CORRUPT', { reason: 'a document is no JSON object' });
  return new Map(
    scanned.root.members.map(({ key, value }) => [key, body.toString('utf8', value.start, value.end)]),
  );
}

/** The text of a member that is a string. */
export const textOf = (members: ReadonlyMap<string, string>, name: string): string | undefined => {
  const text = members.get(name);
  return text?.startsWith('"') === true ? (JSON.parse(text) as string) : undefined;
};
