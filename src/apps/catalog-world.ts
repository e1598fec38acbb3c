import { Fault, faults } from '../domain/fault.ts';
import type { Principal } from '../domain/policy.ts';
import type { CatalogScanOptions } from '../intake/catalog-scan.ts';
import { knownEntity } from '../intake/scan-known.ts';
import type { KnownEntity } from '../intake/scan-plan.ts';
import type { Intake, SubmitResult } from '../intake/submit.ts';
import type { Clock } from '../ports/clock.ts';
import type { ModelIndex, ReadModel } from '../ports/read-model.ts';
import { entities } from '../projections/entities.ts';
import { entityQuery } from '../projections/queries.ts';

/** Whoever configures the process says what it scans. */
const principal: Principal = {
  name: 'bridge:catalog',
  grants: [{ actions: ['publish'], namespace: '*' }],
};

const pageMax = 500;
const triesMax = 6;
const retryFirstMs = 500;

/** How a scan reads what is known and writes what it found, in this process. */
export function catalogWorld(
  model: () => ReadModel,
  intake: Intake,
  clock: Clock,
): (source: string, signal: AbortSignal) => Pick<CatalogScanOptions, 'load' | 'owned' | 'submit'> {
  const serving = async (): Promise<ModelIndex> => {
    const index = await model().serving(entities.definition);
    if (index === undefined) throw new Fault('MODEL_UNAVAILABLE', { projection: 'entities' });
    return index;
  };

  async function load(urns: readonly string[]): Promise<ReadonlyMap<string, KnownEntity>> {
    const found = await (await serving()).load(urns);
    return new Map(
      [...found].flatMap(([urn, { body }]) => {
        const entity = knownEntity(body);
        return entity === undefined ? [] : [[urn, entity] as const];
      }),
    );
  }

  async function* owned(source: string): AsyncGenerator<string> {
    let after: readonly (string | number)[] | undefined;
    do {
      const search = { text: '', source: [`scan:${source}`], limit: pageMax };
      const query = entityQuery({ ...search, ...(after === undefined ? {} : { after }) }, 'all');
      const { hits } = await (await serving()).query(query);
      yield* hits.map(({ id }) => id);
      after = hits.length < pageMax ? undefined : hits.at(-1)!.sortValues;
    } while (after !== undefined);
  }

  /** Tries again what may be in the log or not, under the same key, so that it is there once. */
  async function submit(
    body: Uint8Array,
    key: string,
    signal: AbortSignal,
  ): Promise<readonly SubmitResult[]> {
    for (let tries = 1; ; tries += 1) {
      const submitted = await intake.submit({ body, principal, idempotencyKey: key });
      if (submitted.kind === 'invalid')
        throw new Fault('INTERNAL', { reason: `a scan's events: ${submitted.fault.code}` });
      const { results } = submitted;
      if (!results.some(mayPass)) return results;
      if (tries >= triesMax) throw new Fault('LOG_UNAVAILABLE', { tries });
      await clock.wait(retryFirstMs * 2 ** (tries - 1), signal);
    }
  }

  const mayPass = (result: SubmitResult): boolean =>
    result.status !== 'appended' && faults[result.code].remedy === 'retry';

  return (source, signal) => {
    let batches = 0;
    const began = clock.now();
    return {
      load,
      owned: () => owned(source),
      submit: (changes) => {
        batches += 1;
        const key = `catalog ${began} ${batches} ${changes[0]?.source.runId ?? ''}`;
        return submit(Buffer.from(JSON.stringify(changes)), key, signal);
      },
    };
  };
}
