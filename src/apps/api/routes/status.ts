import { formatCut } from '../../../domain/cut.ts';
import { type Fault, type FaultCode, faults } from '../../../domain/fault.ts';
import { allows } from '../../../domain/policy.ts';
import type { Annal, KeptStatus, ProjectionStatus } from '../../annal.ts';
import { sendFacts } from '../answer.ts';
import { archiveAnswer, errorsAnswer, projectionsAnswer } from '../answers/about.ts';
import { ok } from '../answers/shape.ts';
import { problemOf, statusOf } from '../problem.ts';
import { type Api, callerOf, readableBy } from '../request.ts';

/** How things stand: projections, archive, and what every code means. */
export function statusRoutes(app: Api, annal: Annal): void {
  app.get(
    '/v1/projections',
    {
      config: { needs: 'read' },
      schema: {
        summary: 'Read how far each projection is',
        tags: ['operations'],
        response: ok(projectionsAnswer),
      },
    },
    async (request, reply) => {
      const counted = readableBy(request) === 'all' || allows(callerOf(request), 'operate', '*');
      const items = (await annal.projections()).map((status) => projectionFacts(status, counted));
      return sendFacts(reply, 200, { items, epochs: annal.epochs.length });
    },
  );
  app.get(
    '/v1/archive',
    {
      config: { needs: 'read' },
      schema: {
        summary:
          'Read how far the archive is: what it is behind, its segments, trees and checkpoints, and what it misses',
        tags: ['operations'],
        response: ok(archiveAnswer),
      },
    },
    async (_request, reply) => {
      const items = (await annal.archive()).map(({ fault, ...lane }) => ({
        ...lane,
        fault: faultFacts(fault),
      }));
      return sendFacts(reply, 200, { items, missing: await annal.missing() });
    },
  );
  app.get(
    '/v1/errors',
    {
      config: { needs: 'open' },
      schema: { summary: 'Read what every code means', tags: ['about'], response: ok(errorsAnswer) },
    },
    async (_request, reply) => {
      const codes = Object.keys(faults) as FaultCode[];
      return sendFacts(reply, 200, {
        items: codes.map((code) => ({ code, status: statusOf(code), ...faults[code] })),
      });
    },
  );
}

const faultFacts = (fault: Fault | null) => (fault === null ? null : problemOf(fault));

/** Counts over all namespaces are for those who may read them all. */
const projectionFacts = (
  { cut, lanes, fault, documents, unindexable, bytes, drift, kept, beside, ...status }: ProjectionStatus,
  counted: boolean,
) => ({
  ...status,
  documents: counted ? documents : null,
  unindexable: counted ? unindexable : null,
  bytes: counted ? bytes : null,
  cut: cut === null ? null : formatCut(cut),
  lanes,
  drift: drift === null || counted ? drift : { ...drift, documents: null, first: null },
  kept: kept === null ? null : { ...keptFacts(kept, counted), fault: faultFacts(kept.fault) },
  beside: beside.map((index) => keptFacts(index, counted)),
  fault: faultFacts(fault),
});

const keptFacts = <Kept extends KeptStatus>({ cut, documents, bytes, ...index }: Kept, counted: boolean) => ({
  ...index,
  cut: cut === null ? null : formatCut(cut),
  documents: counted ? documents : null,
  bytes: counted ? bytes : null,
});
