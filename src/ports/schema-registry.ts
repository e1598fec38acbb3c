/** How a registry names a schema on the wire: Confluent by a number up to 2^32−1, Azure by a GUID in lower case. */
export type SchemaRef =
  | { readonly kind: 'confluent'; readonly id: number }
  | { readonly kind: 'azure'; readonly id: string };

export type SchemaId = SchemaRef['id'];

/** Where a schema stands. Versions of a subject grow from 1; a foreign registry may have dropped some. */
export interface SchemaPlace {
  readonly subject: string;
  readonly version: number;
}

export interface RegisteredSchema extends SchemaPlace {
  readonly ref: SchemaRef;
  readonly schemaText: string;
}

/**
 * Registers and looks up schema texts. It never sees events: bytes are decoded by src/formats only. Every call rejects with
 * `REGISTRY_UNAVAILABLE` when the registry cannot be reached, or does not clearly say what it is asked.
 */
export interface SchemaRegistry extends AsyncDisposable {
  /** Of the refs it gives. */
  readonly kind: SchemaRef['kind'];
  /**
   * Registers an Avro schema under `subject`; the same schema gives the same ref. Rejects with `SCHEMA_INCOMPATIBLE` when
   * readers that go by it could not read what any version of the subject wrote, whatever the registry itself asks for;
   * `REGISTRY_FULL` when it takes no more.
   */
  register(subject: string, schemaText: string): Promise<SchemaRef>;
  /** The schema text behind an id, or undefined where the registry knows none; also for an id of another kind. */
  lookup(id: SchemaId): Promise<string | undefined>;
  /** Every subject that has versions, sorted. Rejects with `REGISTRY_CANNOT_LIST` where the registry tells no names. */
  subjects(): Promise<readonly string[]>;
  /** Ascending; empty for a subject without any. */
  versions(subject: string): Promise<readonly number[]>;
  version(subject: string, version: number): Promise<RegisteredSchema | undefined>;
  /** The newest schema of a subject. */
  latest(subject: string): Promise<RegisteredSchema | undefined>;
  /** Under which subjects an id stands; empty for one that nobody knows. */
  places(id: SchemaId): Promise<readonly SchemaPlace[]>;
  readonly place: string;
}
