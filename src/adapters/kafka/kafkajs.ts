import { createRequire } from 'node:module';
import type { Cluster, Kafka, KafkaConfig } from 'kafkajs';

/** kafkajs is used beyond its public face, so only this version will do; package.json pins it. */
export const kafkajsVersion = '2.2.4';

interface WireEncoder {
  writeBuffer(bytes: Buffer): WireEncoder;
}

/** What a connection of kafkajs takes and gives: src/network/connection.js. */
interface Protocol<Answer> {
  readonly request: {
    readonly apiKey: number;
    readonly apiVersion: number;
    readonly apiName: string;
    readonly encode: () => Promise<WireEncoder>;
  };
  readonly response: {
    readonly decode: (answer: Buffer) => Promise<Answer>;
    readonly parse: (answer: Answer) => Promise<Answer>;
  };
  readonly requestTimeout: number;
  readonly logResponseError: boolean;
}

interface WireConnection {
  send<Answer>(protocol: Protocol<Answer>): Promise<Answer>;
}

export type WireBroker = Awaited<ReturnType<Cluster['findBroker']>> & {
  /** Opens the connection if need be. kafkajs keeps 0 for all but fetches and 1 for them. */
  readonly connectionPool: { getConnection(index: number): Promise<WireConnection> };
};

export interface Kafkajs {
  readonly Kafka: new (config: KafkaConfig) => Kafka;
  readonly Encoder: new (bytes: number) => WireEncoder;
  /** The error kafkajs makes of a broker's error code: `type` is its name in Kafka's protocol. */
  readonly errorOf: (errorCode: number) => Error;
}

interface RequestQueue {
  pending: unknown[];
  throttledUntil: number;
  throttleCheckTimeoutId: NodeJS.Timeout | null;
  checkPendingRequests(): void;
  scheduleCheckPendingRequests(): void;
}

const pendingCheckMs = 10;
let loaded: Kafkajs | undefined;

/** Loads kafkajs when first asked, and mends its request queue. Throws when another version is installed. */
export function kafkajs(): Kafkajs {
  if (loaded !== undefined) return loaded;
  const require = createRequire(import.meta.url);
  const { version } = require('kafkajs/package.json') as { version: string };
  if (version !== kafkajsVersion)
    throw new Error(`kafkajs ${version} is installed, ${kafkajsVersion} is needed`);
  const queue = require('kafkajs/src/network/requestQueue') as { prototype: RequestQueue };
  queue.prototype.scheduleCheckPendingRequests = scheduleCheckPendingRequests;
  const { Kafka } = require('kafkajs') as Pick<Kafkajs, 'Kafka'>;
  const Encoder = require('kafkajs/src/protocol/encoder') as Kafkajs['Encoder'];
  const { createErrorFromCode } = require('kafkajs/src/protocol/error') as {
    createErrorFromCode: Kafkajs['errorOf'];
  };
  loaded = { Kafka, Encoder, errorOf: createErrorFromCode };
  return loaded;
}

/**
 * In the place of kafkajs's own, which arms a timer for a negative time after every answer: some 900 wake-ups a second per
 * connection, and a warning from Node. Nothing has to be looked at later while nothing is pending.
 */
function scheduleCheckPendingRequests(this: RequestQueue): void {
  if (this.throttleCheckTimeoutId !== null || this.pending.length === 0) return;
  this.throttleCheckTimeoutId = setTimeout(
    () => {
      this.throttleCheckTimeoutId = null;
      this.checkPendingRequests();
    },
    Math.max(pendingCheckMs, this.throttledUntil - Date.now()),
  );
}
