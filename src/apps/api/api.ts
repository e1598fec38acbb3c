import fastify, {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyRequest,
  LogController,
} from 'fastify';
import { validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { v7 as uuidV7 } from 'uuid';
import { Fault } from '../../domain/fault.ts';
import type { Annal } from '../annal.ts';
import { type BodyBounds, bodyBudget, boundBodies } from './body-budget.ts';
import { type Bind, callersOf } from './caller.ts';
import { describe } from './description.ts';
import { metricsOf } from './metrics.ts';
import { pageRoutes } from './page.ts';
import { problemOf, problemOfError, sendProblem } from './problem.ts';
import { type Api, guard } from './request.ts';
import { catalogRoutes } from './routes/catalog.ts';
import { confluentRoutes } from './routes/confluent-api.ts';
import { datahubRoutes } from './routes/datahub.ts';
import { drillRoutes } from './routes/drills.ts';
import { entityRoutes } from './routes/entities.ts';
import { epochRoutes } from './routes/epochs.ts';
import { eventRoutes } from './routes/events.ts';
import { foreignRoutes } from './routes/foreign.ts';
import { healthRoutes } from './routes/health.ts';
import { lineageRoutes } from './routes/lineage.ts';
import { operationRoutes } from './routes/operations.ts';
import { publishRoutes } from './routes/publish.ts';
import { rebuildRoutes } from './routes/rebuilds.ts';
import { schemaRoutes } from './routes/schemas.ts';
import { searchRoutes } from './routes/search.ts';
import { statusRoutes } from './routes/status.ts';
import type { Token } from './tokens.ts';
import { waitingRequests } from './waiting.ts';

export interface ApiOptions {
  /** Where it will listen; decides who the local owner is. With `inject` alone: `127.0.0.1`. */
  readonly bind: Bind;
  /** The only callers, where given. */
  readonly tokens?: readonly Token[];
  readonly log: FastifyBaseLogger;
  /** Aspects without a schema that DataHub's clients may send; undefined: those of a technical kind. */
  readonly datahubAspects?: readonly string[];
  /** Of this program, for /openapi.json. */
  readonly version: string;
  /** Of events that are being received. */
  readonly bodies?: BodyBounds;
  /** How long a request may take to come in; default 2 minutes. */
  readonly requestMs?: number;
  /** UTC milliseconds; for `2h` and the like. */
  readonly now?: () => number;
}

const smallBodyBytesMax = 64 * 1024;
/** A URN of 512 bytes, every byte percent-encoded. */
const parameterCharsMax = 3 * 512;
const requestMsDefault = 120_000;
const headersMs = 60_000;
/** Node looks so often whether a request is late. */
const lateLookMs = 10_000;

const securityHeaders = {
  'content-security-policy':
    "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
} as const;

/**
 * The HTTP API and the page, not listening yet: `listen` it, or `inject` requests without a port. Throws
 * `BIND_NEEDS_TOKENS` for a bind beyond loopback without tokens. Closing it answers all requests that wait.
 */
export function openApi(annal: Annal, options: ApiOptions): Api {
  const callers = callersOf(options.bind, options.tokens);
  const { requestMs = requestMsDefault } = options;
  const app: Api = fastify({
    loggerInstance: options.log,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    genReqId: () => uuidV7(),
    requestIdHeader: false,
    bodyLimit: smallBodyBytesMax,
    requestTimeout: requestMs,
    http: {
      connectionsCheckingInterval: Math.min(lateLookMs, requestMs),
      // Node takes the longer of the two for the whole request.
      headersTimeout: Math.min(headersMs, requestMs),
    },
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: parameterCharsMax },
    frameworkErrors: (error, request, reply) => answerError(error, request, reply.headers(securityHeaders)),
  }).withTypeProvider<ZodTypeProvider>();
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(() => (answer) => JSON.stringify(answer));
  app.removeContentTypeParser('text/plain');
  const waiting = waitingRequests();
  app.addHook('preClose', async () => waiting.end());
  // Who is answered while the server closes would keep the connection, and so the server.
  app.addHook('onSend', async (_request, reply) => {
    if (waiting.over) reply.header('connection', 'close');
  });
  headersAndLog(app);
  guard(app, annal, callers);
  const allowed = refusals(app);
  describe(app, options.version);
  const metrics = metricsOf(app);
  const now = options.now ?? Date.now;
  app.register(async (scope: Api) => {
    eventRoutes(scope, annal, { waiting, now });
    entityRoutes(scope, annal, now);
    lineageRoutes(scope, annal, now);
    searchRoutes(scope, annal);
    operationRoutes(scope, annal, waiting);
    rebuildRoutes(scope, annal, waiting);
    drillRoutes(scope, annal);
    schemaRoutes(scope, annal);
    epochRoutes(scope, annal, waiting);
    statusRoutes(scope, annal);
    healthRoutes(scope, annal, { metrics, detailed: options.tokens === undefined });
    pageRoutes(scope);
  });
  const aspects = options.datahubAspects;
  app.register(async (waysIn: Api) => {
    boundBodies(waysIn, bodyBudget(options.bodies));
    waysIn.register(async (scope: Api) => catalogRoutes(scope, annal));
    waysIn.register(async (scope: Api) => publishRoutes(scope, annal, metrics.counts));
    waysIn.register(async (scope: Api) => foreignRoutes(scope, annal, metrics.counts));
    waysIn.register(async (scope: Api) => datahubRoutes(scope, annal, { counts: metrics.counts, aspects }));
  });
  app.register(async (scope: Api) => confluentRoutes(scope, annal));
  app.setNotFoundHandler((request, reply) => {
    const methods = allowed(request);
    if (methods.length > 0) reply.header('allow', methods.join(', '));
    const code = methods.length > 0 ? 'METHOD_NOT_ALLOWED' : 'ROUTE_UNKNOWN';
    const path = pathOf(request).slice(0, 512);
    return sendProblem(reply, problemOf(new Fault(code, { method: request.method, path })));
  });
  return app;
}

const pathOf = ({ url }: FastifyRequest): string => url.split('?', 1)[0]!;

function headersAndLog(app: Api): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(securityHeaders).header('annal-request-id', request.id);
    reply.header('cache-control', 'private, no-cache').header('vary', 'Authorization');
  });
  app.addHook('onResponse', async (request, reply) => {
    const level = reply.statusCode >= 500 ? 'warn' : 'info';
    request.log[level](
      {
        method: request.method,
        route: request.routeOptions.url ?? null,
        status: reply.statusCode,
        caller: request.principal?.name ?? null,
        elapsedMs: Math.round(reply.elapsedTime * 10) / 10,
      },
      'request answered',
    );
  });
}

function answerError(
  error: FastifyError | Error,
  request: FastifyRequest,
  reply: Parameters<typeof sendProblem>[0],
): void {
  const problem = problemOfError(error);
  if (problem === undefined || problem.code === 'INTERNAL')
    request.log.error({ err: error }, 'request failed');
  const internal = { code: 'INTERNAL', detail: 'the request could not be answered' } as const;
  sendProblem(reply, problem === undefined || problem.code === 'INTERNAL' ? internal : problem);
}

/** Problems for every error; gives the methods that a path would take. */
function refusals(app: Api): (request: FastifyRequest) => string[] {
  app.setErrorHandler((error: FastifyError, request, reply) => answerError(error, request, reply));
  const routes: { readonly path: RegExp; readonly methods: readonly string[] }[] = [];
  app.addHook('onRoute', ({ url, method }) => {
    const path = new RegExp(`^${url.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/:[a-z]+/g, '[^/]+')}$`);
    routes.push({ path, methods: [method].flat() });
  });
  return (request) => [
    ...new Set(routes.filter(({ path }) => path.test(pathOf(request))).flatMap(({ methods }) => methods)),
  ];
}
