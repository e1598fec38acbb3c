/** Keys of Kafka's requests (https://kafka.apache.org/protocol). */
export const api = {
  produce: 0,
  fetch: 1,
  metadata: 3,
  offsetCommit: 8,
  findCoordinator: 10,
  heartbeat: 12,
  apiVersions: 18,
  createTopics: 19,
  describeConfigs: 32,
} as const;

/** Collects pieces of a stream and gives each whole frame, without its length. */
export function frames(onFrame: (frame: Buffer) => void): (piece: Buffer) => void {
  let held: Buffer = Buffer.alloc(0);
  return (piece) => {
    held = held.length === 0 ? piece : Buffer.concat([held, piece]);
    while (held.length >= 4) {
      const length = held.readInt32BE(0);
      if (held.length < 4 + length) return;
      const frame = held.subarray(4, 4 + length);
      held = held.subarray(4 + length);
      onFrame(frame);
    }
  };
}

export function framed(...parts: readonly Buffer[]): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(parts.reduce((sum, part) => sum + part.length, 0));
  return Buffer.concat([length, ...parts]);
}

/** A request without flexible fields: those of Kafka before 2.4. */
export interface Request {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly correlation: number;
  readonly body: Buffer;
  readonly frame: Buffer;
}

export function readRequest(frame: Buffer): Request {
  const clientId = frame.readInt16BE(8);
  return {
    apiKey: frame.readInt16BE(0),
    apiVersion: frame.readInt16BE(2),
    correlation: frame.readInt32BE(4),
    body: frame.subarray(10 + Math.max(0, clientId)),
    frame,
  };
}

/** Reads fields one after the other, and gives what it passed over. */
export class Fields {
  private readonly bytes: Buffer;
  at = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  /** The next bytes as they are. */
  raw(count: number): Buffer {
    this.at += count;
    return this.bytes.subarray(this.at - count, this.at);
  }

  rest(): Buffer {
    return this.raw(this.bytes.length - this.at);
  }

  int16(): number {
    return this.raw(2).readInt16BE();
  }

  int32(): number {
    return this.raw(4).readInt32BE();
  }

  text(): string {
    return this.raw(Math.max(0, this.int16())).toString('utf8');
  }

  bytesField(): Buffer {
    return this.raw(Math.max(0, this.int32()));
  }

  /** What `each` gives for each member of an array, whose count comes first. */
  array<T>(each: () => T): T[] {
    return Array.from({ length: Math.max(0, this.int32()) }, each);
  }
}

export const int16 = (value: number): Buffer => {
  const out = Buffer.alloc(2);
  out.writeInt16BE(value);
  return out;
};

export const int32 = (value: number): Buffer => {
  const out = Buffer.alloc(4);
  out.writeInt32BE(value);
  return out;
};

export const text = (value: string): Buffer =>
  Buffer.concat([int16(Buffer.byteLength(value)), Buffer.from(value)]);

export const array = (members: readonly Buffer[]): Buffer =>
  Buffer.concat([int32(members.length), ...members]);
