import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { limits } from '../../../domain/event.ts';
import { Fault } from '../../../domain/fault.ts';
import { formatPosition } from '../../../domain/position.ts';
import type { SubmitResult } from '../../../intake/submit.ts';
import type { Annal } from '../../annal.ts';
import { sendFacts } from '../answer.ts';
import { publishAnswers, publishBody } from '../answers/publish.ts';
import type { Counts } from '../metrics.ts';
import { type Problem, sendProblem } from '../problem.ts';
import { type Api, callerOf } from '../request.ts';

const headers = z.looseObject({
  'idempotency-key': z
    .string()
    .regex(/^[\u0020-\u007e]{1,256}$/, 'has to be 1 to 256 printable ASCII characters')
    .optional()
    .meta({ description: 'sending the same body again under it has no second effect' }),
});

/** The body reaches intake as the bytes that were sent: nothing in front of it parses them. */
export async function publishRoutes(scope: Api, annal: Annal, counts: Counts): Promise<void> {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer', bodyLimit: limits.requestBytesMax },
    (_request, body, done) => done(null, body),
  );
  const compile = scope.validatorCompiler;
  scope.setValidatorCompiler((route) =>
    route.httpPart === 'body' || compile === undefined ? () => true : compile(route),
  );
  const schema = {
    summary: 'Publish one event, or up to 1,000 in an array',
    description: 'One: 201 means it is in the log. An array: one result per event, in their order.',
    tags: ['events'],
    headers,
    body: publishBody,
    response: publishAnswers,
  };
  const options = { config: { needs: 'publish' }, bodyLimit: limits.requestBytesMax, schema } as const;
  scope.post('/v1/events', options, async (request, reply) => {
    if (annal.intake === undefined) throw new Fault('INTAKE_ABSENT');
    const encoding = request.headers['content-encoding'];
    if (encoding !== undefined && encoding !== 'identity')
      throw new Fault('MEDIA_TYPE_UNSUPPORTED', { encoding });
    const body: unknown = request.body;
    if (body !== undefined && !(body instanceof Uint8Array)) throw new Fault('MEDIA_TYPE_UNSUPPORTED');
    const key = request.headers['idempotency-key'];
    const traceparent = request.headers.traceparent;
    const submitted = await annal.intake.submit({
      body: body ?? new Uint8Array(0),
      principal: callerOf(request),
      ...(key === undefined ? {} : { idempotencyKey: key }),
      ...(typeof traceparent === 'string' ? { traceparent } : {}),
    });
    if (submitted.kind === 'invalid') {
      counts.refused(1);
      return sendProblem(reply, submitted.fault);
    }
    count(counts, submitted.results);
    return submitted.kind === 'one'
      ? sendOne(reply, submitted.results[0])
      : sendMany(reply, submitted.results);
  });
}

function count(counts: Counts, results: readonly SubmitResult[]): void {
  counts.appended(results.filter(({ status }) => status === 'appended').length);
  counts.refused(results.filter(({ status }) => status === 'refused').length);
  counts.unknown(results.filter(({ status }) => status === 'unknown').length);
}

function sendOne(reply: FastifyReply, result: SubmitResult | undefined): FastifyReply {
  if (result === undefined) throw new Fault('INTERNAL', { reason: 'intake gave no result' });
  if (result.status !== 'appended') return sendProblem(reply, problemOfResult(result));
  const { status, ...facts } = told(result);
  reply.header('location', facts.outcome);
  return sendFacts(reply, 201, facts);
}

function problemOfResult(result: Exclude<SubmitResult, { status: 'appended' }>): Problem {
  const { code, detail, urn, id } = result;
  return {
    code,
    detail,
    ...(result.status === 'refused' ? { pointer: result.pointer } : {}),
    facts: result.status === 'unknown' ? { urn, ids: [id] } : { urn, id },
  };
}

const sendMany = (reply: FastifyReply, results: readonly SubmitResult[]): FastifyReply =>
  sendFacts(reply, 200, {
    results: results.map((result) => (result.status === 'appended' ? told(result) : result)),
    appended: results.filter(({ status }) => status === 'appended').length,
    refused: results.filter(({ status }) => status === 'refused').length,
    unknown: results.filter(({ status }) => status === 'unknown').length,
  });

function told(result: Extract<SubmitResult, { status: 'appended' }>) {
  const position = formatPosition(result.position);
  return { ...result, position, outcome: `/v1/events/${position}` };
}
