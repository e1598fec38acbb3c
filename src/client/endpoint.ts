/** Where a Kafka endpoint is, and who is asked to be let in. */
export interface KafkaEndpoint {
  /** `host:port`, at least one. */
  readonly brokers: readonly string[];
  readonly tls: boolean;
  readonly login: { readonly username: string; readonly password: string } | undefined;
  /** The event hub that a connection string names. */
  readonly entityPath: string | undefined;
}

const brokerText = /^(?:[A-Za-z0-9._-]{1,253}|\[[0-9a-fA-F:]{2,45}\]):[0-9]{1,5}$/;
const tlsPort = 9093;
const emulatorPort = 9092;

/**
 * Reads the connection string of an Event Hubs namespace (`Endpoint=sb://…;SharedAccessKeyName=…;SharedAccessKey=…`, with or
 * without an `EntityPath`; an emulator's too), or brokers as `host:port,host:port`, which are spoken to in clear. A namespace is
 * reached with TLS at port 9093, as `$ConnectionString` (Microsoft, "Use Azure Event Hubs from Apache Kafka applications").
 * Throws a `TypeError` that does not repeat what was given.
 */
export function kafkaEndpoint(connection: string): KafkaEndpoint {
  const text = connection.trim();
  if (!/(?:^|;)\s*Endpoint\s*=/i.test(text)) {
    const brokers = text.split(',').map((one) => one.trim());
    if (!brokers.every((one) => brokerText.test(one)))
      throw new TypeError('is neither a connection string of Event Hubs nor host:port,host:port');
    return { brokers, tls: false, login: undefined, entityPath: undefined };
  }
  const parts = new Map(
    text
      .split(';')
      .map((part) => part.trim())
      .filter((part) => part !== '')
      .map((part): [string, string] => {
        const at = part.indexOf('=');
        return [part.slice(0, at).toLowerCase(), part.slice(at + 1)];
      }),
  );
  const host = /^sb:\/\/([A-Za-z0-9.-]{1,253})(:[0-9]{1,5})?\/?$/.exec(parts.get('endpoint') ?? '');
  if (host === null) throw new TypeError('has an Endpoint that is not sb://<name>');
  if (!parts.has('sharedaccesskeyname') || !parts.has('sharedaccesskey'))
    throw new TypeError('has no SharedAccessKeyName or no SharedAccessKey');
  const emulated = parts.get('usedevelopmentemulator')?.toLowerCase() === 'true';
  return {
    brokers: [`${host[1]}${host[2] ?? `:${emulated ? emulatorPort : tlsPort}`}`],
    tls: !emulated,
    login: { username: '$ConnectionString', password: text },
    entityPath: parts.get('entitypath'),
  };
}
