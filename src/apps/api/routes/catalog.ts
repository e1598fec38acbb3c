import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { Fault } from '../../../domain/fault.ts';
import type { Annal } from '../../annal.ts';
import { blobPlace } from '../../tree-at.ts';
import { sendFacts } from '../answer.ts';
import { catalogAnswer, touchedAnswer } from '../answers/catalog.ts';
import type { Api } from '../request.ts';

const bodyBytesMax = 1024 * 1024;
const originMax = 256;
const blobSubject = /^\/blobServices\/[^/]+\/containers\/([^/]+)\/blobs\/(.+)$/;

type Json = Readonly<Record<string, unknown>>;
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Places that are kept scanned, and notices of storage that something changed there. */
export async function catalogRoutes(scope: Api, annal: Annal): Promise<void> {
  const sources = {
    summary: 'Read what is kept scanned, and what its last scan came to',
    tags: ['about'],
    response: catalogAnswer,
  };
  scope.get('/v1/catalog', { config: { needs: 'operate' }, schema: sources }, async (_request, reply) =>
    sendFacts(reply, 200, {
      items: (annal.catalog?.sources() ?? []).map(({ fault, last, ...source }) => ({
        ...source,
        fault: fault === null ? null : { code: fault.code, detail: fault.message },
        last: last === null ? null : { ...last, deletionsHeld: last.deletionsHeld ?? null },
      })),
    }),
  );
  const parsed = (
    _request: FastifyRequest,
    body: Buffer,
    done: (error: Error | null, json?: unknown) => void,
  ) => {
    try {
      done(null, JSON.parse(body.toString('utf8')));
    } catch (error) {
      done(error instanceof SyntaxError ? new Fault('JSON_INVALID', {}) : (error as Error));
    }
  };
  scope.removeAllContentTypeParsers();
  for (const type of [
    'application/json',
    'application/cloudevents+json',
    'application/cloudevents-batch+json',
  ])
    scope.addContentTypeParser(type, { parseAs: 'buffer', bodyLimit: bodyBytesMax }, parsed);
  const events = {
    summary: 'Take notices of storage: CloudEvents or Event Grid events, one or many',
    description: 'What they name is scanned soon. Answers the validation of an Event Grid subscription.',
    tags: ['events'],
    body: z.unknown().meta({
      examples: [
        {
          ...{ specversion: '1.0', type: 'Microsoft.Storage.BlobCreated', id: '1', source: '/storage' },
          subject: '/blobServices/default/containers/shop/blobs/lake/orders.csv',
        },
      ],
    }),
    response: touchedAnswer,
  };
  const config = { needs: 'publish' } as const;
  scope.post(
    '/v1/catalog/events',
    { config, schema: events, bodyLimit: bodyBytesMax },
    async (request, reply) => answerNotices(annal, request.body, reply),
  );
  // A handshake, no operation of this API.
  const validation = { hide: true };
  scope.options('/v1/catalog/events', { config, schema: validation }, async (request, reply) => {
    const origin = request.headers['webhook-request-origin'];
    if (typeof origin !== 'string' || origin.length > originMax)
      throw new Fault('REQUEST_INVALID', { header: 'WebHook-Request-Origin' });
    reply
      .header('webhook-allowed-origin', origin)
      .header('webhook-allowed-rate', '*')
      .header('allow', 'POST');
    return reply.code(200).send();
  });
}

function answerNotices(annal: Annal, body: unknown, reply: FastifyReply): FastifyReply {
  const notices = (Array.isArray(body) ? body : [body]).filter(isObject);
  for (const { eventType, type, data } of notices) {
    const isValidation = (type ?? eventType) === 'Microsoft.EventGrid.SubscriptionValidationEvent';
    if (isValidation && isObject(data) && typeof data.validationCode === 'string')
      return reply.code(200).send({ validationResponse: data.validationCode });
  }
  const paths = notices.flatMap(({ subject }) => blobIn(subject) ?? []);
  const touched =
    annal.catalog?.touch((place) => {
      const kept = blobPlace(place);
      return kept !== undefined && paths.some((path) => isWithin(path, kept));
    }) ?? 0;
  return sendFacts(reply, 200, { notices: notices.length, touched });
}

interface Blob {
  readonly container: string;
  readonly name: string;
}

function blobIn(subject: unknown): Blob | undefined {
  const [, container, name] = typeof subject === 'string' ? (blobSubject.exec(subject) ?? []) : [];
  return container === undefined || name === undefined ? undefined : { container, name };
}

const isWithin = (
  { container, name }: Blob,
  kept: { readonly container: string; readonly prefix: string },
): boolean => container === kept.container && (kept.prefix === '' || name.startsWith(`${kept.prefix}/`));
