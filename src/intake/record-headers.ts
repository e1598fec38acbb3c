import type { Header } from '../domain/event.ts';
import { eventSchemaSha256 } from '../formats/event.ts';
import { framingBytes } from '../formats/framing.ts';
import type { SchemaRef } from '../ports/schema-registry.ts';

const traceparentText = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** Makes the headers of records of one epoch: `annal-epoch`, `annal-schema`, then `traceparent` where it is well formed. */
export function recordHeaders(epoch: number): (traceparent?: string) => readonly Header[] {
  const own: readonly Header[] = [
    [Buffer.from('annal-epoch'), Buffer.from(String(epoch))],
    [Buffer.from('annal-schema'), Buffer.from(eventSchemaSha256)],
  ];
  return (traceparent) =>
    traceparent !== undefined && traceparentText.test(traceparent)
      ? [...own, [Buffer.from('traceparent'), Buffer.from(traceparent)]]
      : own;
}

/** What a record holds besides key and event, as its limit counts it: headers, and what names its schema to a registry. */
export const envelopeBytes = (headers: readonly Header[], kind: SchemaRef['kind'] = 'confluent'): number =>
  framingBytes[kind] + headers.reduce((sum, [name, value]) => sum + name.length + (value?.length ?? 0), 0);
