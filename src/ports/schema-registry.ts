/** How a registry names a schema on the wire. */
export interface SchemaRef {
  readonly kind: 'confluent';
  readonly id: number;
}

/** Registers and looks up schema texts. It never sees events: bytes are decoded by src/formats only. */
export interface SchemaRegistry extends AsyncDisposable {
  /**
   * Registers an Avro schema under `subject`; the same schema gives the same ref. Rejects with `SCHEMA_INCOMPATIBLE`
   * when it breaks readers of the subject's latest one, `REGISTRY_UNAVAILABLE` when the registry cannot be reached.
   */
  register(subject: string, schemaText: string): Promise<SchemaRef>;
  /** The schema text behind an id, or undefined where the registry knows none. Rejects with `REGISTRY_UNAVAILABLE`. */
  lookup(id: number): Promise<string | undefined>;
  /** The newest schema of a subject. */
  latest(subject: string): Promise<{ readonly ref: SchemaRef; readonly schemaText: string } | undefined>;
  readonly place: string;
}
