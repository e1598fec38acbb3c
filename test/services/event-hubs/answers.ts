import type { Manners } from './manners.ts';
import { array, Fields, int16, int32, type Request, text } from './wire.ts';

/** Milliseconds that throttled answers ask a client to wait. */
const throttleMs = 500;
const topicAuthorizationFailed = 29;
const policyViolation = 44;

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** ApiVersions v0 to v2 with the versions that both sides speak. */
export function versionsAnswer(body: Buffer, versions: NonNullable<Manners['versions']>): Buffer {
  const fields = new Fields(body);
  const error = fields.raw(2);
  const spoken = fields.array(() => [fields.int16(), fields.int16(), fields.int16()] as const);
  const told = spoken.flatMap(([key, least, greatest]) => {
    const own = versions.get(key);
    if (own === undefined) return [];
    const [from, to] = [Math.max(least, own[0]), Math.min(greatest, own[1])];
    return from > to ? [] : [Buffer.concat([key, from, to].map(int16))];
  });
  return Buffer.concat([error, array(told), fields.rest()]);
}

const unsupportedVersion = 35;

/** What a broker answers to an ApiVersions that is newer than it knows: version 0 of the answer, with what to ask instead. */
export function olderVersions(versions: NonNullable<Manners['versions']>): Buffer {
  const [least, greatest] = versions.get(18) ?? [0, 0];
  return Buffer.concat([int16(unsupportedVersion), array([Buffer.concat([18, least, greatest].map(int16))])]);
}

/** Metadata v0 to v5 with every broker at `address`. */
export function metadataAnswer(body: Buffer, version: number, { host, port }: Address): Buffer {
  const fields = new Fields(body);
  const throttle = fields.raw(version >= 3 ? 4 : 0);
  const brokers = fields.array(() => {
    const node = fields.raw(4);
    fields.text();
    fields.int32();
    const from = fields.at;
    if (version >= 1) fields.text();
    const length = fields.at - from;
    fields.at = from;
    return Buffer.concat([node, text(host), int32(port), fields.raw(length)]);
  });
  return Buffer.concat([throttle, array(brokers), fields.rest()]);
}

/** FindCoordinator v0 to v2 with the coordinator at `address`. */
export function coordinatorAnswer(body: Buffer, version: number, { host, port }: Address): Buffer {
  const fields = new Fields(body);
  if (version >= 1) fields.raw(4);
  fields.int16();
  if (version >= 1) fields.text();
  fields.int32();
  return Buffer.concat([body.subarray(0, fields.at), text(host), int32(port)]);
}

/** Fetch v4 to v6 without its records. */
export function throttledFetch(body: Buffer, version: number): Buffer {
  const fields = new Fields(body);
  fields.int32();
  const topics = fields.array(() => {
    const name = text(fields.text());
    const partitions = fields.array(() => {
      // Partition, error, high watermark, last stable offset; from v5 on the log's start.
      const head = fields.raw(4 + 2 + 8 + 8 + (version >= 5 ? 8 : 0));
      const aborted = fields.int32();
      const pairs = fields.raw(16 * Math.max(0, aborted));
      fields.bytesField();
      return Buffer.concat([head, int32(aborted), pairs, int32(0)]);
    });
    return Buffer.concat([name, array(partitions)]);
  });
  return Buffer.concat([int32(throttleMs), array(topics)]);
}

/** Produce v3 to v7 that appended nothing. */
export function throttledProduce({ body, apiVersion }: Request): Buffer {
  const none = Buffer.alloc(8, 0xff);
  const fields = new Fields(body);
  fields.text();
  fields.int16();
  fields.int32();
  const topics = fields.array(() => {
    const name = text(fields.text());
    const partitions = fields.array(() => {
      const partition = fields.raw(4);
      fields.bytesField();
      const logStart = apiVersion >= 5 ? none : Buffer.alloc(0);
      return Buffer.concat([partition, int16(policyViolation), none, none, logStart]);
    });
    return Buffer.concat([name, array(partitions)]);
  });
  return Buffer.concat([array(topics), int32(throttleMs)]);
}

/** CreateTopics v0 to v3 that made nothing. */
export function forbiddenTopics({ body, apiVersion }: Request): Buffer {
  const fields = new Fields(body);
  const topics = fields.array(() => {
    const name = text(fields.text());
    fields.raw(6);
    fields.array(() => [fields.int32(), fields.array(() => fields.int32())]);
    fields.array(() => [fields.text(), fields.text()]);
    const message = apiVersion >= 1 ? int16(-1) : Buffer.alloc(0);
    return Buffer.concat([name, int16(topicAuthorizationFailed), message]);
  });
  return Buffer.concat([apiVersion >= 2 ? int32(0) : Buffer.alloc(0), array(topics)]);
}

/** DescribeConfigs v0 to v2 that tells of no setting. */
export function untoldSettings({ body }: Request): Buffer {
  const fields = new Fields(body);
  const resources = fields.array(() => {
    const type = fields.raw(1);
    const name = text(fields.text());
    fields.array(() => fields.text());
    return Buffer.concat([int16(0), int16(-1), type, name, array([])]);
  });
  return Buffer.concat([int32(0), array(resources)]);
}

/** Whether a Metadata request names no topic: none and all of them are meant by that. */
export const namesNoTopic = ({ body }: Request): boolean => body.readInt32BE(0) <= 0;

/** Group and partitions of an OffsetCommit, as one text each. */
export function committed({ body, apiVersion }: Request): string[] {
  const fields = new Fields(body);
  const group = fields.text();
  if (apiVersion >= 1) {
    fields.int32();
    fields.text();
  }
  if (apiVersion >= 7) fields.text();
  if (apiVersion >= 2 && apiVersion <= 4) fields.raw(8);
  return fields
    .array(() => {
      const topic = fields.text();
      return fields.array(() => {
        const partition = fields.int32();
        fields.raw(8 + (apiVersion >= 6 ? 4 : 0) + (apiVersion === 1 ? 8 : 0));
        fields.text();
        return `${group} ${topic} ${partition}`;
      });
    })
    .flat();
}

/** Whether a Produce request asks for no answer. */
export function asksNothing({ body }: Request): boolean {
  const fields = new Fields(body);
  fields.text();
  return fields.int16() === 0;
}
