import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { Fault } from '../../../domain/fault.ts';
import { urnFault } from '../../../domain/urn.ts';
import type { IncomingEvent } from '../../../intake/incoming-event.ts';
import { datahubTechnicalAspects } from '../../../intake/translate/datahub-aspects.ts';
import {
  deletionOf,
  readDeleteEntity,
  readIngestEntity,
  readIngestProposals,
  readOpenApiEntities,
  type SentProposals,
} from '../../../intake/translate/datahub-json.ts';
import { datahubTypeOf } from '../../../intake/translate/datahub-types.ts';
import type { AspectAllowList } from '../../../intake/translate/translation.ts';
import type { Annal } from '../../annal.ts';
import { jsonType, membersOf, textOf } from '../answer.ts';
import { plainBody, takeBytes } from '../foreign-body.ts';
import { problemOfResults, submitForeign } from '../foreign-events.ts';
import type { Counts } from '../metrics.ts';
import { problemType, sendProblem } from '../problem.ts';
import { reading } from '../reading.ts';
import { type Api, callerOf, mayRead, readableBy } from '../request.ts';

export interface DatahubOptions {
  readonly counts: Counts;
  /** Aspects taken without a schema; undefined: the technical ones. */
  readonly aspects: AspectAllowList | undefined;
}

/** Where DataHub's own server stands behind its frontend: `server: http://host:port/api/gms` in a recipe. */
export const datahubMount = '/api/gms';

/** The SDK fills a batch up to 15 MiB. */
const bodyBytesMax = 16 * 1024 * 1024;

/**
 * What DataHub's clients ask their server: enough to emit by either of its two dialects, and to read back the aspects that
 * sources merge into. No version is claimed, so that no client expects what only DataHub can do.
 */
const config = {
  noCode: 'true',
  models: {},
  versions: {},
  retention: 'true',
  statefulIngestionCapable: false,
  supportsImpactAnalysis: false,
  patchCapable: false,
  timeZone: 'GMT',
  telemetry: { enabledCli: false, enabledIngestion: false, enabledServer: false },
  managedIngestion: { enabled: false },
  datahub: { serverType: 'annal', serverEnv: 'core' },
} as const;

const hidden = { hide: true } as const;
const publishing = { config: { needs: 'publish' }, bodyLimit: bodyBytesMax } as const;

/** The REST sink of DataHub: proposals, snapshots and deletions as its SDK sends them, through the one intake. */
export async function datahubRoutes(
  scope: Api,
  annal: Annal,
  { counts, aspects }: DatahubOptions,
): Promise<void> {
  const allowList = aspects ?? datahubTechnicalAspects;
  takeBytes(scope, ['application/json'], bodyBytesMax);
  scope.addHook('onSend', async (_request, reply, payload) => withMessage(reply, payload));
  scope.get(
    `${datahubMount}/config`,
    { config: { needs: 'publish' }, schema: hidden },
    async (_request, reply) => reply.header('content-type', jsonType).send(JSON.stringify(config)),
  );
  const taking =
    (read: (body: Buffer, request: FastifyRequest) => SentProposals, answer: Answer) =>
    async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
      const sent = read(await plainBody(request, bodyBytesMax), request);
      if (sent.kind === 'invalid') {
        counts.refused(1);
        return sendProblem(reply, sent.fault);
      }
      const { proposals } = sent;
      const results = await submitForeign(annal, proposals, callerOf(request), counts);
      const aspects = proposals.map((one) => ('event' in one ? one.event.aspect : one.aspect));
      const problem = problemOfResults(results, aspects);
      if (problem !== undefined) return sendProblem(reply, problem);
      const events = proposals.flatMap((one) => ('event' in one ? [one.event] : []));
      return reply.header('content-type', jsonType).send(JSON.stringify(answer(events)));
    };

  const ofProposals = z.object({ action: z.enum(['ingestProposal', 'ingestProposalBatch']) });
  scope.post(
    `${datahubMount}/aspects`,
    { ...publishing, schema: { ...hidden, querystring: ofProposals } },
    taking((body) => readIngestProposals(body, allowList), urnOrSuccess),
  );
  const ofEntities = z.object({ action: z.enum(['ingest', 'delete']) });
  scope.post(
    `${datahubMount}/entities`,
    { ...publishing, schema: { ...hidden, querystring: ofEntities } },
    taking(
      (body, { query }) =>
        (query as z.infer<typeof ofEntities>).action === 'ingest'
          ? readIngestEntity(body, allowList)
          : readDeleteEntity(body, allowList),
      urnOrSuccess,
    ),
  );
  openApiRoutes(scope, taking, allowList);
  readingRoute(scope, annal);
}

type Answer = (events: readonly IncomingEvent[]) => unknown;
type Taking = (
  read: (body: Buffer, request: FastifyRequest) => SentProposals,
  answer: Answer,
) => (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>;

const urnOrSuccess: Answer = (events) => ({ value: events.length === 1 ? events[0]!.urn : 'success' });

const entityList: Answer = (events) =>
  events.map(({ urn, aspect }) => ({ urn, ...(aspect === null ? {} : { [aspect]: {} }) }));

const ofType = z.object({ type: z.string().regex(/^[A-Za-z][A-Za-z0-9]{0,63}$/) });
const ofWriting = z.object({ createIfNotExists: z.enum(['true', 'false']).optional() });

function openApiRoutes(scope: Api, taking: Taking, allowList: AspectAllowList): void {
  const path = `${datahubMount}/openapi/v3/entity/:type`;
  const schema = { ...hidden, params: ofType, querystring: ofWriting };
  const typeOf = ({ params }: FastifyRequest): string => (params as z.infer<typeof ofType>).type;
  scope.post(
    path,
    { ...publishing, schema },
    taking((body, request) => {
      const creates = (request.query as z.infer<typeof ofWriting>).createIfNotExists === 'true';
      const changeType = creates ? 'CREATE' : 'UPSERT';
      return readOpenApiEntities(body, { entityType: typeOf(request), changeType }, allowList);
    }, entityList),
  );
  scope.patch(
    path,
    { ...publishing, schema },
    taking(
      (body, request) =>
        readOpenApiEntities(body, { entityType: typeOf(request), changeType: 'PATCH' }, allowList),
      entityList,
    ),
  );
  const params = ofType.extend({ urn: z.string() });
  scope.delete(
    `${path}/:urn`,
    { ...publishing, schema: { ...hidden, params } },
    taking((_body, request) => {
      const { urn } = request.params as z.infer<typeof params>;
      return { kind: 'read', proposals: [deletionOf(urn, allowList)] };
    }, entityList),
  );
}

const ofAspect = z.object({
  aspect: z.string().regex(/^[A-Za-z][A-Za-z0-9]{0,127}$/),
  version: z.literal('0').optional(),
});

/** The aspect as it is now, for sources that merge what they found into what is there. */
function readingRoute(scope: Api, annal: Annal): void {
  const schema = { ...hidden, params: z.object({ urn: z.string() }), querystring: ofAspect };
  const reads = { needs: 'read', reads: 'entities' } as const;
  scope.get(`${datahubMount}/aspects/:urn`, { config: reads, schema }, async (request, reply) => {
    const { urn } = request.params;
    const { aspect } = request.query;
    const reason = urnFault(urn);
    if (reason !== undefined)
      throw new Fault('URN_INVALID', { urn: urn.slice(0, 256).toWellFormed(), reason });
    const document = await reading(annal, 'entities', async (index) => (await index.load([urn])).get(urn));
    const members = document === undefined ? undefined : membersOf(document.body);
    const type = datahubTypeOf(aspect);
    const isThere = members !== undefined && mayRead(readableBy(request), textOf(members, 'namespace'));
    const heads = isThere ? members.get('aspects') : undefined;
    const head = heads === undefined ? undefined : membersOf(Buffer.from(heads)).get(aspect);
    const value = head === undefined ? undefined : membersOf(Buffer.from(head)).get('value');
    if (value === undefined) throw new Fault('ENTITY_NOT_FOUND', { urn, aspect });
    if (type === undefined) throw new Fault('ASPECT_UNKNOWN', { urn, aspect });
    const text = `{"aspect":{${JSON.stringify(type)}:${value}},"version":0}`;
    return reply.header('content-type', jsonType).send(text);
  });
}

/** Its clients show the `message` of a refusal and nothing else. */
function withMessage(reply: FastifyReply, payload: unknown): unknown {
  const isProblem = String(reply.getHeader('content-type')).startsWith(problemType);
  if (!isProblem || typeof payload !== 'string') return payload;
  const problem = JSON.parse(payload) as { readonly code: string; readonly detail: string };
  return JSON.stringify({ ...problem, message: `${problem.code}: ${problem.detail}` });
}
