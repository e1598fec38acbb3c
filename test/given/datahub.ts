import { readFileSync } from 'node:fs';
import type { AvroSchema } from '../../src/formats/avro-schema.ts';
import { parseAvroSchema } from '../../src/formats/avro-schema.ts';

const golden = new URL('../golden/datahub/', import.meta.url);

/** One record as DataHub's SDK wrote it. */
export interface Proposal {
  readonly name: string;
  readonly key: string | null;
  /** Framed. */
  readonly value: Buffer;
}

interface ProposalFile {
  readonly schemaId: number;
  readonly proposals: readonly {
    readonly name: string;
    readonly key: string | null;
    readonly value: string;
  }[];
}

const file = JSON.parse(readFileSync(new URL('proposals.json', golden), 'utf8')) as ProposalFile;

/** The registry's id that the records name, and the text behind it. */
export const proposalSchemaId = file.schemaId;
export const proposalSchemaText = readFileSync(new URL('MetadataChangeProposal.avsc', golden), 'utf8');
export const proposalSchema: AvroSchema = parseAvroSchema(JSON.parse(proposalSchemaText));

export const proposals: readonly Proposal[] = file.proposals.map(({ name, key, value }) => ({
  name,
  key,
  value: Buffer.from(value, 'hex'),
}));

export function proposalOf(name: string): Proposal {
  const found = proposals.find((proposal) => proposal.name === name);
  if (found === undefined) throw new Error(`no proposal ${name}`);
  return found;
}

/** A MetadataChangeEvent as the SDK writes it: unframed Avro, and its snapshot in the SDK's JSON. */
export interface Snapshot {
  readonly name: string;
  readonly value: Buffer;
  readonly json: { readonly urn: string; readonly aspects: readonly Readonly<Record<string, object>>[] };
}

export const snapshotSchema: AvroSchema = parseAvroSchema(
  JSON.parse(readFileSync(new URL('MetadataChangeEvent.avsc', golden), 'utf8')),
);
const snapshots = JSON.parse(readFileSync(new URL('snapshots.json', golden), 'utf8')) as {
  readonly events: readonly (Omit<Snapshot, 'value'> & { readonly value: string })[];
};

export function snapshotOf(name: string): Snapshot {
  const found = snapshots.events.find((event) => event.name === name);
  if (found === undefined) throw new Error(`no snapshot ${name}`);
  return { ...found, value: Buffer.from(found.value, 'hex') };
}

/** A request as DataHub's REST emitter sent it. */
export interface SdkRequest {
  readonly name: string;
  readonly method: 'POST' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly body: string | null;
}

const rest = JSON.parse(readFileSync(new URL('../golden/datahub/rest.json', import.meta.url), 'utf8')) as {
  readonly requests: readonly SdkRequest[];
};

/** The requests of that name, in the order in which they were sent. */
export const sdkRequests = (name: string): readonly SdkRequest[] =>
  rest.requests.filter((request) => request.name === name);
