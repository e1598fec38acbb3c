import { createConnection } from 'node:net';

/** What a broker answers to ApiVersions: its highest version per API key, and its finalized features by name. */
export interface BrokerVersions {
  readonly highest: ReadonlyMap<number, number>;
  readonly features: ReadonlyMap<string, number>;
}

const apiVersionsKey = 18;
const unsupportedVersion = 35;
const answerBytesMax = 65_536;

/**
 * Asks one broker (`host:port`, no TLS, no SASL) for its API versions over a connection of its own: version 3 of the
 * request, and version 0 where the broker is older (https://kafka.apache.org/protocol, ApiVersions). Fails after `waitMs`
 * without an answer.
 */
export async function brokerVersions(broker: string, waitMs: number): Promise<BrokerVersions> {
  const answer = await ask(broker, requestBytes(3), waitMs);
  if (answer.readInt16BE(4) !== unsupportedVersion) return readVersion3(answer);
  return readVersion0(await ask(broker, requestBytes(0), waitMs));
}

function requestBytes(version: 0 | 3): Buffer {
  const name = Buffer.from('annal-test');
  const header = Buffer.alloc(10);
  header.writeInt16BE(apiVersionsKey, 0);
  header.writeInt16BE(version, 2);
  header.writeInt32BE(1, 4);
  header.writeInt16BE(name.length, 8);
  const compactName = Buffer.concat([Buffer.from([name.length + 1]), name]);
  const noTags = Buffer.from([0]);
  const body = version === 0 ? [] : [noTags, compactName, Buffer.from([2]), Buffer.from('1'), noTags];
  const request = Buffer.concat([header, name, ...body]);
  const size = Buffer.alloc(4);
  size.writeInt32BE(request.length);
  return Buffer.concat([size, request]);
}

/** Sends one request and answers the response after its size: correlation id, then the body. */
function ask(broker: string, request: Buffer, waitMs: number): Promise<Buffer> {
  const colon = broker.lastIndexOf(':');
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host: broker.slice(0, colon), port: Number(broker.slice(colon + 1)) });
    let received = Buffer.alloc(0);
    const fail = (reason: string): void => {
      socket.destroy();
      reject(new Error(`${broker}: ${reason}`));
    };
    socket.setTimeout(waitMs, () => fail(`no answer within ${waitMs} ms`));
    socket.once('error', (error) => fail(error.message));
    socket.once('close', () => fail('closed the connection'));
    socket.once('connect', () => socket.write(request));
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 4) return;
      const size = received.readInt32BE(0);
      if (size < 6 || size > answerBytesMax) return fail(`not a Kafka broker: an answer of ${size} bytes`);
      if (received.length < 4 + size) return;
      resolve(received.subarray(4, 4 + size));
      socket.destroy();
    });
  });
}

function readVersion0(answer: Buffer): BrokerVersions {
  const highest = new Map<number, number>();
  const count = answer.readInt32BE(6);
  for (let at = 10; highest.size < count; at += 6)
    highest.set(answer.readInt16BE(at), answer.readInt16BE(at + 4));
  return { highest, features: new Map() };
}

function readVersion3(answer: Buffer): BrokerVersions {
  const bytes = { answer, at: 6 };
  const highest = new Map<number, number>();
  for (let left = readVarint(bytes) - 1; left > 0; left--) {
    const [key, , highestVersion] = [readInt16(bytes), readInt16(bytes), readInt16(bytes)];
    highest.set(key, highestVersion);
    skipTags(bytes);
  }
  bytes.at += 4;
  const features = new Map<string, number>();
  for (let left = readVarint(bytes); left > 0; left--) {
    const tag = readVarint(bytes);
    const end = readVarint(bytes) + bytes.at;
    if (tag === 2) readFeatures(bytes, features);
    bytes.at = end;
  }
  return { highest, features };
}

interface Reading {
  readonly answer: Buffer;
  at: number;
}

function readFeatures(bytes: Reading, features: Map<string, number>): void {
  for (let left = readVarint(bytes) - 1; left > 0; left--) {
    const length = readVarint(bytes) - 1;
    const name = bytes.answer.toString('utf8', bytes.at, bytes.at + length);
    bytes.at += length;
    features.set(name, readInt16(bytes));
    readInt16(bytes);
    skipTags(bytes);
  }
}

function readInt16(bytes: Reading): number {
  bytes.at += 2;
  return bytes.answer.readInt16BE(bytes.at - 2);
}

function readVarint(bytes: Reading): number {
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes.answer.readUInt8(bytes.at++);
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return value;
  }
}

function skipTags(bytes: Reading): void {
  for (let left = readVarint(bytes); left > 0; left--) {
    readVarint(bytes);
    bytes.at += readVarint(bytes);
  }
}
