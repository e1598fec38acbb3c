import { defaultNamespaceRules } from '../../src/domain/namespace.ts';
import { localOwner, type Principal } from '../../src/domain/policy.ts';
import { eventSchemaSha256 } from '../../src/formats/event.ts';
import type { Rules } from '../../src/intake/admit.ts';
import { loadAspectSchemas } from '../../src/intake/aspect-schemas.ts';
import { loadEntityTypes } from '../../src/intake/entity-types.ts';
import { shippedSchemas } from '../../src/intake/schema-folder.ts';
import {
  type Intake,
  type IntakeOptions,
  openIntake,
  type SubmitResult,
  type Submitted,
} from '../../src/intake/submit.ts';

/** What ships, as every intake without own folders has it. */
export const shippedRules: Rules = {
  aspects: loadAspectSchemas([shippedSchemas]),
  entityTypes: loadEntityTypes([shippedSchemas]),
  namespaceRules: defaultNamespaceRules,
};

export const orders = 'urn:li:dataset:(urn:li:dataPlatform:hive,shop.orders,PROD)';

/** Ids 1, 2, 3 … so that a test can tell them. */
export function countedIds(): () => string {
  let count = 0;
  return () => {
    count += 1;
    return idOf(count);
  };
}

export const idOf = (n: number): string => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}`;

/** An intake over what a test cares about; the registry knows the schema under 7. */
export const anIntake = (
  options: Partial<IntakeOptions> & Pick<IntakeOptions, 'log' | 'clock'>,
): Promise<Intake> =>
  openIntake({
    ...shippedRules,
    ensureSchema: async (sha256) => {
      if (sha256 !== eventSchemaSha256) throw new Error('another schema than that of events');
      return { kind: 'confluent', id: 7 };
    },
    isClosed: async () => false,
    newId: countedIds(),
    deadlineMs: 1_000,
    onFault: () => undefined,
    ...options,
  });

/** An event as a client sends it. */
export const aChange = (given: object = {}): object => ({
  urn: orders,
  aspect: 'status',
  value: { removed: false },
  ...given,
});

export const submitJson = (
  intake: Intake,
  body: unknown,
  given: {
    readonly principal?: Principal;
    readonly idempotencyKey?: string;
    readonly traceparent?: string;
  } = {},
): Promise<Submitted> =>
  intake.submit({
    body:
      body instanceof Uint8Array ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
    principal: localOwner,
    ...given,
  });

/** The results, where the body was fit to be looked at. */
export function resultsOf(submitted: Submitted): readonly SubmitResult[] {
  if (submitted.kind === 'invalid') throw new Error(`invalid: ${JSON.stringify(submitted.fault)}`);
  return submitted.results;
}
