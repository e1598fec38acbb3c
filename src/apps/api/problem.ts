import type { FastifyReply } from 'fastify';
import { Fault, type FaultCode, faults, type Remedy } from '../../domain/fault.ts';
import type { Breaking } from '../../formats/avro-compat.ts';

/** What a request is refused with: RFC 9457, `code` from the table of faults. */
export interface Problem {
  readonly code: FaultCode;
  readonly detail: string;
  /** RFC 6901, within the body that was sent. */
  readonly pointer?: string;
  /** Members that name the place: never secrets, never values of events. */
  readonly facts?: Readonly<Record<string, unknown>>;
}

const byRemedy: Readonly<Record<Remedy, number>> = { refuse: 422, quarantine: 500, retry: 503, halt: 500 };

const byCode: Partial<Record<FaultCode, number>> = {
  BODY_TOO_LARGE: 413,
  CALLER_BUSY: 429,
  CUT_INVALID: 400,
  DUPLICATE_KEY: 400,
  ENTITY_DELETED: 404,
  ENTITY_NOT_FOUND: 404,
  EPOCH_TAKEN: 409,
  EVENT_NOT_FOUND: 404,
  EVENT_NOT_YET: 404,
  EVENT_SHAPE: 400,
  FIELD_UNKNOWN: 400,
  HOST_NOT_ALLOWED: 403,
  IDEMPOTENCY_CONFLICT: 409,
  INDEX_EXISTS: 409,
  INDEX_NOT_KEPT: 404,
  INTAKE_ABSENT: 404,
  JSON_INVALID: 400,
  JSON_TOO_DEEP: 400,
  JSON_TOO_LARGE: 413,
  KEY_FORBIDDEN: 400,
  LOG_PRESENT: 409,
  MEDIA_TYPE_UNSUPPORTED: 415,
  METHOD_NOT_ALLOWED: 405,
  MOMENT_INVALID: 400,
  NOT_ALLOWED: 403,
  NUMBER_LOSSY: 400,
  OPERATION_UNKNOWN: 404,
  ORIGIN_NOT_ALLOWED: 403,
  POSITION_INVALID: 400,
  PROJECTION_UNKNOWN: 404,
  QUERY_INVALID: 400,
  REBUILD_CANCELLED: 409,
  REBUILD_EMPTY: 409,
  REBUILD_RUNNING: 409,
  REBUILD_UNINDEXABLE: 409,
  RECORD_TOO_LARGE: 413,
  REQUEST_INVALID: 400,
  ROUTE_UNKNOWN: 404,
  SCHEMA_NOT_FOUND: 404,
  SWAP_REFUSED: 409,
  TOO_MANY_EVENTS: 413,
  UNAUTHENTICATED: 401,
  URN_INVALID: 400,
  VALUE_TOO_LARGE: 413,
};

/** The HTTP status of a code: the same everywhere. */
export const statusOf = (code: FaultCode): number => byCode[code] ?? byRemedy[faults[code].remedy];

const retrySeconds: Partial<Record<FaultCode, number>> = {
  EVENT_NOT_YET: 1,
  APPEND_UNKNOWN: 1,
  CALLER_BUSY: 1,
  INTAKE_BUSY: 1,
  LOG_BUSY: 1,
  EPOCH_CLOSED: 1,
};
const retryDefaultSeconds = 5;

/** Media type of every refusal. */
export const problemType = 'application/problem+json';

const reserved = new Set([
  'type',
  'title',
  'status',
  'detail',
  'code',
  'pointer',
  'doThis',
  'instance',
  'cut',
]);

/** Answers with a problem; `Retry-After` and `WWW-Authenticate` where the code asks for them. */
export function sendProblem(
  reply: FastifyReply,
  { code, detail, pointer, facts = {} }: Problem,
): FastifyReply {
  const { about, doThis, remedy } = faults[code];
  const status = statusOf(code);
  if (remedy === 'retry') reply.header('retry-after', retrySeconds[code] ?? retryDefaultSeconds);
  if (code === 'UNAUTHENTICATED') reply.header('www-authenticate', 'Bearer realm="annal"');
  const told = Object.entries(facts).filter(([name, fact]) => !reserved.has(name) && fact !== undefined);
  const body = {
    type: `/errors#${code}`,
    title: about,
    status,
    detail,
    code,
    ...(pointer === undefined ? {} : { pointer }),
    doThis,
    ...Object.fromEntries(told),
    cut: reply.request.cut ?? null,
    instance: `urn:uuid:${reply.request.id}`,
  };
  return reply.code(status).header('content-type', problemType).send(JSON.stringify(body));
}

type Facts = Readonly<Record<string, unknown>>;

/** Sentences for people where the facts alone would read like a list. */
const sentences: Partial<Record<FaultCode, (facts: Facts) => string>> = {
  ENTITY_DELETED: ({ urn, position }) => `${urn} was deleted at ${position}`,
  ENTITY_NOT_FOUND: ({ urn, asOf }) =>
    asOf === undefined ? `${urn} is not known here` : `nothing was known of ${urn} then`,
  EVENT_NOT_FOUND: ({ position }) => `there is no event at ${position}`,
  EVENT_NOT_YET: ({ position }) => `the read model has not come to ${position} yet`,
  METHOD_NOT_ALLOWED: ({ method, path }) => `${path} does not take ${method}`,
  MOMENT_INVALID: ({ parameter, given, reason }) => `${parameter} ${JSON.stringify(given)}: ${reason}`,
  POSITION_INVALID: ({ given }) => `${JSON.stringify(given)} is no position`,
  QUERY_INVALID: ({ why }) => String(why),
  ROUTE_UNKNOWN: ({ path }) => `there is nothing at ${path}`,
  SCHEMA_INCOMPATIBLE: ({ subject, breaking, reason }) =>
    `${subject}: ${Array.isArray(breaking) ? breaking.map(differenceText).join('; ') : reason}`,
  SCHEMA_NOT_FOUND: ({ subject, version, id }) =>
    id !== undefined
      ? `no schema has the id ${id}`
      : subject === undefined
        ? 'the registry of this installation is another server'
        : `there is no schema ${subject}${version === undefined ? '' : `, version ${version}`}`,
  URN_INVALID: ({ urn, reason }) => `${JSON.stringify(urn)} is no URN: ${reason}`,
};

const differenceText = ({ version, at, what }: Breaking): string => `${at} ${what} (version ${version})`;

/** The problem of a fault: its facts as members, and in the sentence. */
export const problemOf = (fault: Fault): Problem => ({
  code: fault.code,
  detail: sentences[fault.code]?.(fault.facts) ?? fault.message.slice(fault.code.length + 2),
  facts: fault.facts,
});

const fromFramework: Readonly<Record<string, FaultCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'BODY_TOO_LARGE',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'MEDIA_TYPE_UNSUPPORTED',
  FST_ERR_CTP_INVALID_JSON_BODY: 'JSON_INVALID',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'JSON_INVALID',
};

/** What any error of a request is to its sender; undefined: nobody's fault but ours. */
export function problemOfError(error: unknown): Problem | undefined {
  if (error instanceof Fault) return problemOf(error);
  if (!isFramework(error) || error.statusCode >= 500) return undefined;
  if (error.validation !== undefined) return problemOfParts(error.validation, error.validationContext);
  const code = fromFramework[error.code] ?? 'REQUEST_INVALID';
  return { code, detail: code === 'REQUEST_INVALID' ? error.message : faults[code].about };
}

/** Every part of a request that has the wrong form, at once. */
function problemOfParts(parts: readonly Part[], where = 'request'): Problem {
  const wrong = parts.map(({ instancePath, message = 'has the wrong form' }) => ({
    in: where,
    name: instancePath.slice(1),
    wrong: message.replace(/^Invalid input: /, ''),
  }));
  const detail = wrong
    .map((part) => (part.name === '' ? part.wrong : `${part.name}: ${part.wrong}`))
    .join('; ');
  const pointer = where === 'body' ? parts[0]?.instancePath : undefined;
  return { code: 'REQUEST_INVALID', detail, ...(pointer === undefined ? {} : { pointer }), facts: { wrong } };
}

interface Part {
  readonly instancePath: string;
  readonly message?: string;
}

interface FrameworkError {
  readonly code: string;
  readonly statusCode: number;
  readonly message: string;
  readonly validation?: readonly Part[];
  readonly validationContext?: string;
}

const isFramework = (error: unknown): error is FrameworkError =>
  error instanceof Error &&
  'code' in error &&
  typeof error.code === 'string' &&
  'statusCode' in error &&
  typeof error.statusCode === 'number';
