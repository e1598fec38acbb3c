import type { Header } from '../domain/event.ts';
import { eventSchemaSha256 } from '../formats/event.ts';

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

/** Names and values, as the limit of a record counts them. */
export const headerBytes = (headers: readonly Header[]): number =>
  headers.reduce((sum, [name, value]) => sum + name.length + (value?.length ?? 0), 0);
