import type { FastifyReply, FastifyRequest } from 'fastify';
import { limits } from '../../../domain/event.ts';
import { formatPosition } from '../../../domain/position.ts';
import { type EnvelopedEvents, readBinary, readStructured } from '../../../intake/translate/cloud-events.ts';
import { readLineageEvents } from '../../../intake/translate/openlineage.ts';
import type { Annal } from '../../annal.ts';
import { sendFacts } from '../answer.ts';
import { plainBody, takeBytes } from '../foreign-body.ts';
import { type ForeignEvent, problemOfResults, submitForeign } from '../foreign-events.ts';
import type { Counts } from '../metrics.ts';
import { sendProblem } from '../problem.ts';
import { type Api, callerOf } from '../request.ts';

type Sent =
  | { readonly kind: 'read'; readonly sent: readonly ForeignEvent[] }
  | Extract<EnvelopedEvents, { readonly kind: 'invalid' }>;

const { requestBytesMax } = limits;
const hidden = { hide: true } as const;
const publishing = { config: { needs: 'publish' }, bodyLimit: requestBytesMax, schema: hidden } as const;

/** Where clients of OpenLineage send their events unless they are told otherwise; and their batches. */
export const lineagePaths = ['/api/v1/lineage', '/api/v1/lineage/batch'] as const;
export const cloudEventsPath = '/v1/cloud-events';

/** Ways in for envelopes and events of others: OpenLineage, CloudEvents. Through the one intake. */
export async function foreignRoutes(scope: Api, annal: Annal, counts: Counts): Promise<void> {
  const json = [/^application\/(?:json|cloudevents(?:-batch)?\+json)/i];
  takeBytes(scope, json, requestBytesMax);
  const taking =
    (read: (body: Buffer, request: FastifyRequest) => Sent) =>
    async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
      const told = read(await plainBody(request, requestBytesMax), request);
      if (told.kind === 'invalid') {
        counts.refused(1);
        return sendProblem(reply, told.fault);
      }
      return take(annal, counts, told.sent, { request, reply });
    };
  for (const path of lineagePaths)
    scope.post(
      path,
      publishing,
      taking((body, request) => {
        const read = readLineageEvents(body, callerOf(request).name);
        if (read.kind === 'invalid') return read;
        const sent = read.sent.flatMap((one): readonly ForeignEvent[] =>
          'events' in one ? one.events.map((event) => ({ event })) : [one],
        );
        return { kind: 'read', sent };
      }),
    );
  scope.post(
    cloudEventsPath,
    publishing,
    taking((body, request) => {
      const principal = callerOf(request).name;
      const type = request.headers['content-type'] ?? '';
      return /^application\/cloudevents/i.test(type)
        ? readStructured(body, /^application\/cloudevents-batch/i.test(type), principal)
        : readBinary(body, request.headers, principal);
    }),
  );
}

async function take(
  annal: Annal,
  counts: Counts,
  sent: readonly ForeignEvent[],
  { request, reply }: { readonly request: FastifyRequest; readonly reply: FastifyReply },
): Promise<FastifyReply> {
  const results = await submitForeign(annal, sent, callerOf(request), counts);
  const aspects = sent.map((one) => ('event' in one ? one.event.aspect : one.aspect));
  const problem = problemOfResults(results, aspects);
  if (problem !== undefined) return sendProblem(reply, problem);
  const positions = results.flatMap((result) =>
    result.status === 'appended' ? [formatPosition(result.position)] : [],
  );
  return sendFacts(reply, 201, { appended: positions.length, positions });
}
